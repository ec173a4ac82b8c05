//! Small changes to a training picture, drawn anew each time it is shown, that leave its digit what it is.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::{PIXELS, SIDE};

/// Control points of an elastic distortion along each side; between them displacements are interpolated.
const KNOTS: usize = 5;
/// Pixels between two control points: the five span a side.
const SPACING: f64 = SIDE as f64 / (KNOTS - 1) as f64;
/// The middle of a picture, in pixels.
const MIDDLE: f64 = (SIDE - 1) as f64 / 2.0;
/// Random 32-bit words set aside for a picture: five numbers of two words, and two for each control point and axis.
const WORDS: u128 = 128;
/// Keeps augmentation's random numbers apart from those of shuffling and dropout; the value has no other meaning.
const AUGMENTATION: u64 = 0x6175_676D_656E_7431;

/// How far pictures are changed at most. Nothing is mirrored: a mirrored 2 is no digit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Largest rotation either way, in degrees.
    pub rotation: f64,
    /// Largest shift along each axis, in pixels.
    pub shift: f64,
    /// Largest part by which each side grows or shrinks, below 1.
    pub zoom: f64,
    /// Standard deviation of the displacements of an elastic distortion, in pixels. They are drawn on a coarse grid and
    /// interpolated, which is a cheap form of the smoothed noise of Simard and others 2003.
    pub elastic: f64,
}

impl Augmentation {
    /// Whether pictures stay as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Draws `image`, rotated, shifted, zoomed and distorted, into `to`: 784 grey levels each, ink on a background of 0.
///
/// What is drawn depends on the numbers given and on nothing else, so that a resumed run sees what an uninterrupted one
/// would have seen, whatever the number of threads: `seed` is the run's, `epoch` counts from 1, and `index` is the
/// picture's in its data set. Every amount is uniform within its limit; sampling is bilinear.
///
/// # Panics
/// If `image` or `to` has not 784 grey levels.
pub fn augment(
    augmentation: &Augmentation,
    (seed, epoch, index): (u64, usize, u32),
    image: &[u8],
    to: &mut [u8],
) {
    assert_eq!([image.len(), to.len()], [PIXELS; 2]);
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ AUGMENTATION);
    random.set_stream(epoch as u64);
    random.set_word_pos(u128::from(index) * WORDS);
    let map = Map::draw(augmentation, &mut random);
    let elastic = augmentation.elastic;
    let displacements = (elastic > 0.0).then(|| Displacements::draw(elastic, &mut random));
    for (at, to) in to.iter_mut().enumerate() {
        let (x, y) = ((at % SIDE) as f64, (at / SIDE) as f64);
        let (mut from_x, mut from_y) = map.source(x, y);
        if let Some(displacements) = &displacements {
            let (dx, dy) = displacements.at(x, y);
            from_x += dx;
            from_y += dy;
        }
        *to = sample(image, from_x, from_y);
    }
}

/// From a pixel of the new picture to where its ink comes from.
struct Map {
    matrix: [f64; 4],
    shift: [f64; 2],
}

impl Map {
    fn draw(augmentation: &Augmentation, random: &mut ChaCha8Rng) -> Self {
        let mut within = |limit: f64| limit * (2.0 * uniform(random) - 1.0);
        let (sin, cos) = within(augmentation.rotation).to_radians().sin_cos();
        let shift = [within(augmentation.shift), within(augmentation.shift)];
        let zoom = [1.0 + within(augmentation.zoom), 1.0 + within(augmentation.zoom)];
        // The inverse of a zoom and a rotation after it.
        let matrix = [cos / zoom[0], sin / zoom[0], -sin / zoom[1], cos / zoom[1]];
        Self { matrix, shift }
    }

    fn source(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x - MIDDLE - self.shift[0], y - MIDDLE - self.shift[1]);
        let [a, b, c, d] = self.matrix;
        (MIDDLE + a * x + b * y, MIDDLE + c * x + d * y)
    }
}

/// Displacements along both axes at the control points, row by row.
struct Displacements([[(f64, f64); KNOTS]; KNOTS]);

impl Displacements {
    fn draw(deviation: f64, random: &mut ChaCha8Rng) -> Self {
        let mut knots = [[(0.0, 0.0); KNOTS]; KNOTS];
        for knot in knots.iter_mut().flatten() {
            *knot = (deviation * normal(random), deviation * normal(random));
        }
        Self(knots)
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x / SPACING, y / SPACING);
        let (column, row) = (x as usize, y as usize);
        let (right, below) = (x - column as f64, y - row as f64);
        let [upper, lower] = [&self.0[row], &self.0[row + 1]];
        let mix = |of: fn(&(f64, f64)) -> f64| {
            let along = |row: &[(f64, f64); KNOTS]| {
                of(&row[column]) * (1.0 - right) + of(&row[column + 1]) * right
            };
            along(upper) * (1.0 - below) + along(lower) * below
        };
        (mix(|knot| knot.0), mix(|knot| knot.1))
    }
}

/// The grey level between four pixels; beyond the picture is background.
fn sample(image: &[u8], x: f64, y: f64) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (right, below) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as i32, top as i32);
    let side = SIDE as i32;
    if left < -1 || top < -1 || left >= side || top >= side {
        return 0;
    }
    let level = |x: i32, y: i32| {
        let inside = x >= 0 && y >= 0 && x < side && y < side;
        if inside { f32::from(image[(y * side + x) as usize]) } else { 0.0 }
    };
    let upper = level(left, top) * (1.0 - right) + level(left + 1, top) * right;
    let lower = level(left, top + 1) * (1.0 - right) + level(left + 1, top + 1) * right;
    (upper * (1.0 - below) + lower * below).round() as u8
}

/// A number in [0, 1).
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A number with mean 0 and variance 1 that is close to normal, and within 3.5: the sum of four uniform ones.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let bits = random.next_u64();
    let sum: u64 = (0..4).map(|i| bits >> (16 * i) & 0xFFFF).sum();
    // Each has mean 1/2 and variance 1/12.
    (sum as f64 / 65536.0 - 2.0) * 3f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: (u64, usize, u32) = (1, 1, 0);

    /// A bar of ink, off the middle and longer than wide.
    fn bar() -> Vec<u8> {
        let inked = |at: usize| (8..20).contains(&(at / SIDE)) && (10..14).contains(&(at % SIDE));
        (0..PIXELS).map(|at| if inked(at) { 200 } else { 0 }).collect()
    }

    fn changed(augmentation: Augmentation, draw: (u64, usize, u32)) -> Vec<u8> {
        let mut to = vec![7; PIXELS];
        augment(&augmentation, draw, &bar(), &mut to);
        to
    }

    /// Ink, and its mean and variance along both axes.
    fn moments(image: &[u8]) -> [f64; 5] {
        let mut sums = [0.0; 5];
        for (at, &level) in image.iter().enumerate() {
            let (ink, x, y) = (f64::from(level), (at % SIDE) as f64, (at / SIDE) as f64);
            for (sum, value) in
                sums.iter_mut().zip([ink, ink * x, ink * y, ink * x * x, ink * y * y])
            {
                *sum += value;
            }
        }
        let [ink, x, y, xx, yy] = sums;
        let (x, y) = (x / ink, y / ink);
        [ink, x, y, xx / ink - x * x, yy / ink - y * y]
    }

    #[test]
    fn nothing_changes_where_every_limit_is_nought() {
        assert!(Augmentation::default().is_none());
        assert_eq!(changed(Augmentation::default(), DRAW), bar());
    }

    #[test]
    fn a_shift_moves_the_ink_within_its_limit_and_nothing_else() {
        let limit = 3.0;
        let [ink, x, y, across, down] = moments(&bar());
        let mut farthest: f64 = 0.0;
        for index in 0..200 {
            let augmentation = Augmentation { shift: limit, ..Augmentation::default() };
            let moved = moments(&changed(augmentation, (1, 1, index)));
            let (dx, dy) = (moved[1] - x, moved[2] - y);
            assert!(dx.abs() < limit + 0.05 && dy.abs() < limit + 0.05, "{dx} {dy}");
            assert!((moved[0] / ink - 1.0).abs() < 0.01, "{moved:?}");
            // Interpolation spreads an edge by less than a quarter of a pixel squared.
            assert!((moved[3] - across).abs() < 0.3 && (moved[4] - down).abs() < 0.3, "{moved:?}");
            farthest = farthest.max(dx.abs());
        }
        assert!(farthest > 0.9 * limit, "{farthest}");
    }

    #[test]
    fn a_rotation_turns_about_the_middle_within_its_limit() {
        let angle = |image: &[u8]| {
            let [_, x, y, ..] = moments(image);
            (y - MIDDLE).atan2(x - MIDDLE).to_degrees()
        };
        let (before, mut farthest): (f64, f64) = (angle(&bar()), 0.0);
        for index in 0..200 {
            let augmentation = Augmentation { rotation: 30.0, ..Augmentation::default() };
            let turned = changed(augmentation, (1, 1, index));
            // The bar lies 1.58 pixels from the middle, so a hundredth of a pixel is a third of a degree.
            let by = (angle(&turned) - before + 540.0).rem_euclid(360.0) - 180.0;
            assert!(by.abs() < 31.0, "{by}");
            farthest = farthest.max(by.abs());
        }
        assert!(farthest > 27.0, "{farthest}");
    }

    #[test]
    fn a_zoom_scales_each_side_within_its_limit() {
        let [ink, ..] = moments(&bar());
        let ratios: Vec<f64> = (0..200)
            .map(|index| {
                let augmentation = Augmentation { zoom: 0.2, ..Augmentation::default() };
                moments(&changed(augmentation, (1, 1, index)))[0] / ink
            })
            .collect();
        let (least, most) =
            ratios.iter().fold((9.0, 0.0), |(a, b): (f64, f64), &r| (a.min(r), b.max(r)));
        assert!(least > 0.62 && least < 0.75 && most < 1.46 && most > 1.3, "{least} {most}");
    }

    #[test]
    fn an_elastic_distortion_displaces_by_its_deviation() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let (mut sum, mut squares, n) = (0.0, 0.0, 2000 * KNOTS * KNOTS);
        for _ in 0..2000 {
            for (dx, _) in Displacements::draw(1.5, &mut random).0.into_iter().flatten() {
                sum += dx;
                squares += dx * dx;
            }
        }
        let deviation = (squares / n as f64).sqrt();
        assert!((deviation - 1.5).abs() < 0.02 && (sum / n as f64).abs() < 0.02, "{deviation}");
        let distorted = changed(Augmentation { elastic: 1.5, ..Augmentation::default() }, DRAW);
        assert_ne!(distorted, bar());
        let [ink, ..] = moments(&bar());
        assert!((moments(&distorted)[0] / ink - 1.0).abs() < 0.5);
    }

    #[test]
    fn every_seed_epoch_and_picture_draws_for_itself() {
        let all = Augmentation { rotation: 10.0, shift: 2.0, zoom: 0.1, elastic: 0.5 };
        let once = changed(all, DRAW);
        assert_eq!(once, changed(all, DRAW));
        for other in [(2, 1, 0), (1, 2, 0), (1, 1, 1), (1, 1, u32::MAX)] {
            assert_ne!(once, changed(all, other), "{other:?}");
        }
    }
}
