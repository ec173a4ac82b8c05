//! What is done to a decoded picture before the network sees it.

use crate::SIDE;
use crate::decode::Grey;
use crate::digit::{Ink, normalise};
use crate::error::{Error, Result};

/// What stands out less than this from the paper, in grey levels, is a blank page's noise: JPEG
/// leaves up to about ten levels on plain paper, while faint pencil stands out by forty.
const MIN_CONTRAST: f32 = 16.0;
/// Ink fainter than this part of the darkest ink is paper: it clears JPEG's ringing around strokes
/// (under a tenth of the contrast) and a camera's noise, and keeps nearly all of an anti-aliased edge.
const FAINTEST_INK: f32 = 0.1;
/// The same where the paper is one level throughout and the format lossless: what rounding leaves.
const FAINTEST_CLEAN_INK: f32 = 0.02;
/// On uneven paper, such as a photograph's, ink must also beat what this part of the frame's pixels
/// stay under, the rest being left for strokes that touch the frame.
const FRAME_PART: f32 = 0.9;
/// Paper in the middle of the picture is this much more uneven than along the frame.
const FRAME_MARGIN: f32 = 1.25;
/// However uneven the paper, ink of more than this part of the darkest is kept.
const SURE_INK: f32 = 0.5;

/// What [`to_network`] does to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// [`AsIs`](Self::AsIs) for a picture of exactly 28x28, else [`Digit`](Self::Digit): who has
    /// pictures of the network's size has prepared them, and not all are digits.
    Auto,
    /// The ink is told from the paper, scaled and centred as MNIST's digits were.
    Digit,
    /// The grey levels of a 28x28 picture, untouched.
    AsIs,
}

/// Prepares a decoded picture for the network: 784 grey levels, row by row, ink is white.
///
/// [`Preparation::Digit`] takes the median level along the picture's frame for the paper. Ink is
/// what differs from it, on the side, darker or brighter, where the most extreme pixel lies; so
/// dark ink on white paper and white ink on black give the same. Then MNIST's recipe: scale the
/// ink to a 20x20 box, centre it by its centre of mass.
///
/// # Errors
/// [`Error::Blank`] if no ink stands out, [`Error::Size`] if another picture than 28x28 should be
/// taken as it is, [`Error::Buffer`] if `grey` contradicts itself.
pub fn to_network(grey: &Grey, preparation: Preparation) -> Result<Vec<u8>> {
    let Grey { width, height, ref pixels, .. } = *grey;
    if width.checked_mul(height) != Some(pixels.len()) {
        return Err(Error::Buffer { length: pixels.len(), width, height });
    }
    let network_size = width == SIDE && height == SIDE;
    match preparation {
        Preparation::AsIs | Preparation::Auto if network_size => Ok(pixels.clone()),
        Preparation::AsIs => Err(Error::Size { width, height }),
        Preparation::Auto | Preparation::Digit if pixels.is_empty() => Err(Error::Blank),
        Preparation::Auto | Preparation::Digit => normalise(&ink(grey)?).ok_or(Error::Blank),
    }
}

/// Tells the ink from the paper: 0 where there is paper, else the contrast with it.
fn ink(grey: &Grey) -> Result<Ink> {
    let mut frame = frame(grey);
    frame.sort_unstable();
    // Between the two middle ones if their number is even, so that inverting changes nothing.
    let paper =
        f32::from(frame[(frame.len() - 1) / 2]) / 2.0 + f32::from(frame[frame.len() / 2]) / 2.0;
    let levels = || grey.pixels.iter().map(|&level| f32::from(level));
    let darkest = levels().fold(255.0, f32::min);
    let brightest = levels().fold(0.0, f32::max);
    let (max, sign) = if paper - darkest >= brightest - paper {
        (paper - darkest, -1.0)
    } else {
        (brightest - paper, 1.0)
    };
    if max < MIN_CONTRAST {
        return Err(Error::Blank);
    }
    if sign < 0.0 {
        frame.reverse();
    }
    let frame_level = f32::from(frame[((frame.len() - 1) as f32 * FRAME_PART) as usize]);
    let uneven = FRAME_MARGIN * sign * (frame_level - paper);
    let clean = !grey.lossy && frame[0] == frame[frame.len() - 1];
    let faintest = if clean { FAINTEST_CLEAN_INK } else { FAINTEST_INK };
    let faintest = uneven.clamp(faintest * max, SURE_INK * max);
    let contrast = |level: f32| sign * (level - paper);
    let levels =
        levels().map(contrast).map(|level| if level < faintest { 0.0 } else { level }).collect();
    Ok(Ink { width: grey.width, levels })
}

/// The outermost pixels of a picture that has at least one.
fn frame(grey: &Grey) -> Vec<u8> {
    let Grey { width, height, ref pixels, .. } = *grey;
    let (last_row, last_column) = ((height - 1) * width, width - 1);
    let top_and_bottom = pixels[..width].iter().chain(&pixels[last_row..]);
    let sides = pixels.chunks_exact(width).flat_map(|row| [&row[0], &row[last_column]]);
    top_and_bottom.chain(sides).copied().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// White strokes through `points`, in pixels, as round pen of `radius`, anti-aliased.
    fn draw(width: usize, height: usize, points: &[(f32, f32)], radius: f32) -> Grey {
        let level = |index: usize| {
            let (x, y) = ((index % width) as f32 + 0.5, (index / width) as f32 + 0.5);
            let distance = points.windows(2).map(|ends| distance((x, y), ends[0], ends[1]));
            (255.0 * (radius + 0.5 - distance.fold(f32::MAX, f32::min)).clamp(0.0, 1.0)) as u8
        };
        let pixels = (0..width * height).map(level).collect();
        Grey { width, height, pixels, lossy: false }
    }

    fn distance(point: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let along = ((point.0 - a.0) * dx + (point.1 - a.1) * dy) / (dx * dx + dy * dy).max(1e-9);
        let along = along.clamp(0.0, 1.0);
        (point.0 - a.0 - along * dx).hypot(point.1 - a.1 - along * dy)
    }

    /// A seven that starts at (x, y) and is `size` pixels high, with a pen of a tenth of it.
    fn seven(side: usize, x: f32, y: f32, size: f32) -> Grey {
        let points = [(x, y), (x + 0.6 * size, y), (x + 0.2 * size, y + size)];
        draw(side, side, &points, size / 20.0)
    }

    fn digit(grey: &Grey) -> Vec<u8> {
        to_network(grey, Preparation::Digit).unwrap()
    }

    fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    }

    /// Longest side of the ink, brightest level, centre of mass in index units.
    fn measure(pixels: &[u8]) -> (usize, u8, f64, f64) {
        let along = |coordinate: fn(usize) -> usize| {
            let inked = || (0..SIDE * SIDE).filter(|&index| pixels[index] > 0);
            let span =
                inked().map(coordinate).max().unwrap() - inked().map(coordinate).min().unwrap() + 1;
            let mass: f64 = inked().map(|index| f64::from(pixels[index])).sum();
            let moment = inked().map(|index| f64::from(pixels[index]) * coordinate(index) as f64);
            (span, moment.sum::<f64>() / mass)
        };
        let ((width, x), (height, y)) = (along(|index| index % SIDE), along(|index| index / SIDE));
        (width.max(height), *pixels.iter().max().unwrap(), x, y)
    }

    /// Whether the ink's box lies about as far from the middle as the frame lets it: 4 pixels.
    fn at_edge(pixels: &[u8], coordinate: fn(usize) -> usize) -> bool {
        let inked = || (0..SIDE * SIDE).filter(|&i| pixels[i] > 0).map(coordinate);
        let ends = inked().min().unwrap() + inked().max().unwrap();
        ends.abs_diff(SIDE - 1) >= 2 * 3
    }

    proptest! {
        #[test]
        fn any_drawing_comes_out_as_mnist_made_its_digits(
            points in proptest::collection::vec((30.0..170.0f32, 30.0..170.0f32), 2..8),
            radius in 2.0..9.0f32,
        ) {
            // MNIST's recipe gives ink of less than 10 pixels a box of 10, which it does not fill.
            let extent = |of: fn(&(f32, f32)) -> f32| {
                let along = || points.iter().map(of);
                along().fold(f32::MIN, f32::max) - along().fold(f32::MAX, f32::min)
            };
            prop_assume!(extent(|p| p.0).max(extent(|p| p.1)) >= 10.0);
            let pixels = digit(&draw(200, 200, &points, radius));
            let (longest, brightest, x, y) = measure(&pixels);
            prop_assert!((19..=20).contains(&longest), "longest side {longest}");
            prop_assert_eq!(brightest, 255);
            // Ink that leans so far to one side that centring would push it out stays at the edge.
            let (edge_x, edge_y) = (at_edge(&pixels, |i| i % SIDE), at_edge(&pixels, |i| i / SIDE));
            prop_assert!(edge_x || (13.5..=14.5).contains(&x), "centre x {x}");
            prop_assert!(edge_y || (13.5..=14.5).contains(&y), "centre y {y}");
        }

        #[test]
        fn any_grey_buffer_is_prepared_or_refused(
            (width, height, pixels) in (1..40usize, 1..40usize).prop_flat_map(|(width, height)| {
                (Just(width), Just(height), proptest::collection::vec(any::<u8>(), width * height))
            }),
        ) {
            match to_network(&Grey { width, height, pixels, lossy: false }, Preparation::Digit) {
                Ok(pixels) => prop_assert_eq!(pixels.len(), SIDE * SIDE),
                Err(error) => prop_assert!(matches!(error, Error::Blank)),
            }
        }
    }

    #[test]
    fn dark_ink_on_white_gives_the_same_as_white_ink_on_black() {
        let mut grey = seven(140, 37.0, 25.0, 80.0);
        let expected = digit(&grey);
        grey.pixels.iter_mut().for_each(|level| *level = 255 - *level);
        assert_eq!(digit(&grey), expected);
    }

    #[test]
    fn where_it_is_drawn_changes_nothing() {
        let expected = digit(&seven(200, 40.0, 40.0, 80.0));
        for (x, y) in [(10.0, 10.0), (140.0, 12.0), (100.0, 110.0)] {
            assert_eq!(digit(&seven(200, x, y, 80.0)), expected);
        }
    }

    #[test]
    fn how_large_it_is_drawn_changes_little() {
        let expected = digit(&seven(400, 40.0, 40.0, 300.0));
        let ink = mean_difference(&expected, &[0; SIDE * SIDE]);
        for size in [30.0, 60.0, 160.0] {
            let pixels = digit(&seven(400, 40.0, 40.0, size));
            // The recipe pastes at whole pixels, so a sliver of mass may move the digit by one.
            let shifts = [0, 1, SIDE - 1, SIDE, SIDE + 1].into_iter().flat_map(|by| {
                let right = [vec![0; by], expected[..SIDE * SIDE - by].to_vec()].concat();
                let left = [expected[by..].to_vec(), vec![0; by]].concat();
                [mean_difference(&pixels, &right), mean_difference(&pixels, &left)]
            });
            let difference = shifts.fold(f64::MAX, f64::min);
            assert!(difference < 0.2 * ink, "size {size}: {difference} of {ink}");
        }
    }

    #[test]
    fn noisy_and_unevenly_lit_paper_is_not_ink() {
        let clean = seven(160, 50.0, 40.0, 80.0);
        let expected = digit(&clean);
        let mut photo = clean.clone();
        for (index, level) in photo.pixels.iter_mut().enumerate() {
            let shade = (index % 160) as f32 / 160.0 * 20.0;
            let noise = (index * 7919 % 9) as f32;
            *level = (210.0 - shade - noise - f32::from(*level) * 0.6) as u8;
        }
        let difference = mean_difference(&digit(&photo), &expected);
        assert!(difference < 3.0, "{difference}");
    }

    #[test]
    fn faint_ink_counts_unless_the_format_may_have_made_it_up() {
        let mut grey = seven(140, 37.0, 25.0, 80.0);
        let expected = digit(&grey);
        // A faint stroke at the left, a sixteenth of full ink, as JPEG's ringing is.
        (30..100).for_each(|y| grey.pixels[y * 140 + 20] = 16);
        assert_ne!(digit(&grey), expected);
        assert_eq!(digit(&Grey { lossy: true, ..grey }), expected);
    }

    #[test]
    fn blank_paper_is_refused_even_with_noise() {
        for paper in [0u8, 128, 230] {
            let noisy = |index: usize| paper + (index * 7919 % 10) as u8;
            for pixels in [vec![paper; 900], (0..900).map(noisy).collect()] {
                let grey = Grey { width: 30, height: 30, pixels, lossy: true };
                for preparation in [Preparation::Digit, Preparation::Auto] {
                    assert!(matches!(to_network(&grey, preparation), Err(Error::Blank)));
                }
            }
        }
        let empty = Grey { width: 0, height: 0, pixels: vec![], lossy: false };
        assert!(matches!(to_network(&empty, Preparation::Auto), Err(Error::Blank)));
    }

    #[test]
    fn a_picture_of_the_networks_size_is_left_alone() {
        let pixels: Vec<u8> = (0..784).map(|index| (index % 251) as u8).collect();
        let grey = Grey { width: 28, height: 28, pixels, lossy: false };
        assert_eq!(to_network(&grey, Preparation::Auto).unwrap(), grey.pixels);
        assert_eq!(to_network(&grey, Preparation::AsIs).unwrap(), grey.pixels);
        assert_ne!(digit(&grey), grey.pixels);
    }

    #[test]
    fn only_the_networks_size_can_be_taken_as_it_is() {
        let grey = seven(140, 37.0, 25.0, 80.0);
        let error = to_network(&grey, Preparation::AsIs).unwrap_err();
        assert!(matches!(error, Error::Size { width: 140, height: 140 }), "{error:?}");
        let wrong = Grey { width: 28, height: 28, pixels: vec![0; 783], lossy: false };
        let error = to_network(&wrong, Preparation::Auto).unwrap_err();
        assert!(matches!(error, Error::Buffer { length: 783, .. }), "{error:?}");
    }

    #[test]
    fn pictures_of_one_row_or_column_are_prepared() {
        let mut pixels = vec![0; 101];
        pixels[40..60].fill(255);
        for (width, height) in [(1, 101), (101, 1)] {
            let pixels = digit(&Grey { width, height, pixels: pixels.clone(), lossy: false });
            assert_eq!(measure(&pixels).0, 20);
        }
    }
}
