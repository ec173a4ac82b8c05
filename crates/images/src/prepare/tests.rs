//! Preparing drawings, photographs, blank images and images of 28x28.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::drawings::{draw, seven};

fn digit(grey: &Grey) -> Vec<u8> {
    to_network(&image(grey), ImageShape::DIGIT, Preparation::Digit).unwrap().pixels
}

fn image(grey: &Grey) -> Image {
    Image::from_grey(grey.clone()).unwrap()
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// Longest side of the foreground's bounding box, brightest level, centre of mass in pixel indices.
fn measure(pixels: &[u8]) -> (usize, u8, f64, f64) {
    let along = |coordinate: fn(usize) -> usize| {
        let foreground = || (0..SIDE * SIDE).filter(|&index| pixels[index] > 0);
        let span = foreground().map(coordinate).max().unwrap()
            - foreground().map(coordinate).min().unwrap()
            + 1;
        let mass: f64 = foreground().map(|index| f64::from(pixels[index])).sum();
        let moment = foreground().map(|index| f64::from(pixels[index]) * coordinate(index) as f64);
        (span, moment.sum::<f64>() / mass)
    };
    let ((width, x), (height, y)) = (along(|index| index % SIDE), along(|index| index / SIDE));
    (width.max(height), *pixels.iter().max().unwrap(), x, y)
}

/// Whether the bounding box is about as far from the middle as the image allows: 4 pixels.
fn at_edge(pixels: &[u8], coordinate: fn(usize) -> usize) -> bool {
    let foreground = || (0..SIDE * SIDE).filter(|&i| pixels[i] > 0).map(coordinate);
    let ends = foreground().min().unwrap() + foreground().max().unwrap();
    ends.abs_diff(SIDE - 1) >= 2 * 3
}

proptest! {
    #[test]
    fn any_drawing_is_prepared_as_the_digits_of_mnist(
        points in proptest::collection::vec((30.0..170.0f32, 30.0..170.0f32), 2..8),
        radius in 2.0..9.0f32,
    ) {
        // A foreground of less than 10 pixels is not enlarged to the whole box.
        let extent = |of: fn(&(f32, f32)) -> f32| {
            let along = || points.iter().map(of);
            along().fold(f32::MIN, f32::max) - along().fold(f32::MAX, f32::min)
        };
        prop_assume!(extent(|p| p.0).max(extent(|p| p.1)) >= 10.0);
        let pixels = digit(&draw(200, 200, &points, radius));
        let (longest, brightest, x, y) = measure(&pixels);
        prop_assert!((19..=20).contains(&longest), "longest side {longest}");
        prop_assert_eq!(brightest, 255);
        // A digit whose centring would move it beyond the image stays at the edge.
        let (edge_x, edge_y) = (at_edge(&pixels, |i| i % SIDE), at_edge(&pixels, |i| i / SIDE));
        prop_assert!(edge_x || (13.5..=14.5).contains(&x), "centre x {x}");
        prop_assert!(edge_y || (13.5..=14.5).contains(&y), "centre y {y}");
    }

    #[test]
    fn any_buffer_is_prepared_or_refused(
        (width, height, pixels) in (1..40usize, 1..40usize).prop_flat_map(|(width, height)| {
            (Just(width), Just(height), proptest::collection::vec(any::<u8>(), width * height))
        }),
    ) {
        match to_network(&image(&Grey { width, height, pixels, lossy: false }), ImageShape::DIGIT, Preparation::Digit) {
            Ok(prepared) => prop_assert_eq!(prepared.pixels.len(), SIDE * SIDE),
            Err(error) => prop_assert!(matches!(error, Error::Blank)),
        }
    }
}

#[test]
fn a_dark_digit_on_white_gives_the_same_as_a_white_digit_on_black() {
    let mut grey = seven(140, 37.0, 25.0, 80.0);
    let expected = digit(&grey);
    grey.pixels.iter_mut().for_each(|level| *level = 255 - *level);
    assert_eq!(digit(&grey), expected);
}

#[test]
fn the_position_of_a_drawing_changes_nothing() {
    let expected = digit(&seven(200, 40.0, 40.0, 80.0));
    for (x, y) in [(10.0, 10.0), (140.0, 12.0), (100.0, 110.0)] {
        assert_eq!(digit(&seven(200, x, y, 80.0)), expected);
    }
}

#[test]
fn the_size_of_a_drawing_changes_little() {
    let expected = digit(&seven(400, 40.0, 40.0, 300.0));
    let ink = mean_difference(&expected, &[0; SIDE * SIDE]);
    for size in [30.0, 60.0, 160.0] {
        let pixels = digit(&seven(400, 40.0, 40.0, size));
        // Digits are placed at whole pixels, so a small change of mass can move one by a pixel.
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
fn a_noisy_and_unevenly_lit_background_is_not_foreground() {
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
fn a_faint_stroke_is_foreground_unless_it_may_be_an_artefact_of_the_format() {
    let mut grey = seven(140, 37.0, 25.0, 80.0);
    let expected = digit(&grey);
    // A faint stroke at the left, a sixteenth of the full contrast, as JPEG's ringing is.
    (40..60).for_each(|y| grey.pixels[y * 140..][22..28].fill(16));
    assert_ne!(digit(&grey), expected);
    assert_eq!(digit(&Grey { lossy: true, ..grey }), expected);
}

#[test]
fn a_blank_image_is_refused_even_with_noise() {
    for background in [0u8, 128, 230] {
        let noisy = |index: usize| background + (index * 7919 % 10) as u8;
        for pixels in [vec![background; 900], (0..900).map(noisy).collect()] {
            let grey = Grey { width: 30, height: 30, pixels, lossy: true };
            let found = to_network(&image(&grey), ImageShape::DIGIT, Preparation::Digit);
            assert!(matches!(found, Err(Error::Blank)));
        }
    }
}

#[test]
fn a_digit_of_28x28_that_is_in_place_is_kept_and_dark_on_white_inverted() {
    let placed = digit(&seven(140, 37.0, 25.0, 80.0));
    assert!(is_prepared(&placed));
    let dark: Vec<u8> = placed.iter().map(|level| 255 - level).collect();
    for pixels in [placed.clone(), dark] {
        assert_eq!(digit(&Grey { width: SIDE, height: SIDE, pixels, lossy: false }), placed);
    }
    // Two columns to the right it is not where MNIST's digits are.
    let shifted = [vec![0; 2], placed[..SIDE * SIDE - 2].to_vec()].concat();
    assert!(!is_prepared(&shifted));
    let moved = digit(&Grey { width: SIDE, height: SIDE, pixels: shifted, lossy: false });
    assert!(mean_difference(&moved, &placed) < 3.0);
    for not_digits in [vec![0; SIDE * SIDE], vec![255; SIDE * SIDE], vec![0; 783]] {
        assert!(!is_prepared(&not_digits));
    }
}

#[test]
fn an_image_that_is_stretched_keeps_its_levels_and_its_polarity() {
    let grey = seven(140, 37.0, 25.0, 80.0);
    let shape = ImageShape { channels: 1, height: 14, width: 28 };
    let stretched = to_network(&image(&grey), shape, Preparation::Stretch).unwrap().pixels;
    let cell = |index: usize| {
        let (x, y) = (index % 28 * 5, index / 28 * 10);
        let sum: f64 = (0..50).map(|k| f64::from(grey.pixels[(y + k / 5) * 140 + x + k % 5])).sum();
        (sum / 50.0).round() as u8
    };
    assert_eq!(stretched, (0..14 * 28).map(cell).collect::<Vec<_>>());
}

#[test]
fn what_a_preparation_does_not_give_is_refused() {
    let grey = seven(140, 37.0, 25.0, 80.0);
    let wide = ImageShape { width: 32, ..ImageShape::DIGIT };
    let colours = ImageShape { channels: 3, ..ImageShape::DIGIT };
    let two = ImageShape { channels: 2, ..ImageShape::DIGIT };
    let digit = Preparation::Digit;
    for (shape, preparation) in [(wide, digit), (colours, digit), (two, Preparation::Stretch)] {
        let error = to_network(&image(&grey), shape, preparation).unwrap_err();
        assert!(matches!(error, Error::Shape { .. }), "{error:?}");
    }
    for (width, height, length) in [(28, 28, 783), (0, 0, 0), (usize::MAX, 2, 5)] {
        let wrong = Grey { width, height, pixels: vec![0; length], lossy: false };
        let error = Image::from_grey(wrong).unwrap_err();
        assert!(matches!(error, Error::Buffer { .. }), "{error:?}");
    }
}

#[test]
fn images_of_one_row_or_column_are_prepared() {
    let mut pixels = vec![0; 101];
    pixels[40..60].fill(255);
    for (width, height) in [(1, 101), (101, 1)] {
        let pixels = digit(&Grey { width, height, pixels: pixels.clone(), lossy: false });
        assert_eq!(measure(&pixels).0, 20);
    }
}
