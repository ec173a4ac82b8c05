//! The same digit on clean paper and on paper as people have it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::digit::{SIDE, normalise};
use crate::drawings::seven;

/// Side of the test images, in pixels.
const WIDTH: usize = 400;

/// What changes a pixel: its column, its row and its level become another level.
type Change = fn(usize, usize, f32) -> f32;

/// A dark seven on paper of level 250, changed.
fn page(change: Change) -> Grey {
    let mut grey = seven(WIDTH, 110.0, 100.0, 200.0);
    for (index, level) in grey.pixels.iter_mut().enumerate() {
        let paper = 250.0 - 0.9 * f32::from(*level);
        *level = change(index % WIDTH, index / WIDTH, paper).clamp(0.0, 255.0) as u8;
    }
    grey
}

/// Noise of mean 0 whose deviation is 1: the same for the same place.
fn noise(x: usize, y: usize) -> f32 {
    let mut state = (y * WIDTH + x) as u64;
    let mut sum = 0.0;
    for _ in 0..12 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sum += (state >> 40) as f32 / (1 << 24) as f32;
    }
    sum - 6.0
}

fn prepared(grey: &Grey) -> Vec<u8> {
    normalise(&segment(grey).unwrap()).unwrap()
}

/// The mean difference from the digit on clean paper, in grey levels. Digits are placed at whole pixels, so a small
/// change of mass can move one by a pixel.
fn difference(grey: &Grey) -> f64 {
    let clean = prepared(&page(|_, _, level| level));
    let found = prepared(grey);
    let shifted = |by: isize| {
        let pairs = (0..found.len()).map(|index| {
            let clean = index.checked_add_signed(by).and_then(|index| clean.get(index));
            f64::from(found[index].abs_diff(clean.copied().unwrap_or_default()))
        });
        pairs.sum::<f64>() / found.len() as f64
    };
    let side = SIDE as isize;
    [0, 1, -1, side, -side, side + 1, -side - 1, side - 1, 1 - side]
        .map(shifted)
        .into_iter()
        .fold(f64::MAX, f64::min)
}

fn within(x: usize, y: usize, [left, top, right, bottom]: [usize; 4]) -> bool {
    (left..right).contains(&x) && (top..bottom).contains(&y)
}

/// Distance from the image's middle, as a fraction of that of its corners.
fn eccentricity(x: usize, y: usize) -> f32 {
    let middle = WIDTH as f32 / 2.0;
    (x as f32 - middle).hypot(y as f32 - middle) / middle.hypot(middle)
}

#[test]
fn specks_borders_and_rules_are_not_ink() {
    let clean_but: [(&str, Change); 14] = [
        ("one pixel", |x, y, level| if (x, y) == (30, 40) { 0.0 } else { level }),
        ("a speck", |x, y, level| if within(x, y, [8, 8, 11, 11]) { 90.0 } else { level }),
        (
            "a punched hole",
            |x, y, level| if within(x, y, [20, 180, 46, 206]) { 40.0 } else { level },
        ),
        ("one black row", |_, y, level| if y == 0 { 0.0 } else { level }),
        ("a black strip", |x, _, level| if x >= 360 { 10.0 } else { level }),
        (
            "a scanner's border",
            |x, y, level| if within(x, y, [6, 6, 394, 394]) { level } else { 0.0 },
        ),
        (
            "a hairline border",
            |x, y, level| if within(x, y, [1, 1, 399, 399]) { level } else { 128.0 },
        ),
        ("a printed box", |x, y, level| {
            let inside = within(x, y, [24, 24, 376, 376]);
            if within(x, y, [20, 20, 380, 380]) && !inside { 30.0 } else { level }
        }),
        (
            "an underline",
            |x, y, level| if within(x, y, [20, 340, 380, 346]) { 60.0 } else { level },
        ),
        ("rules", |_, y, level| if y % 45 < 2 { level.min(190.0) } else { level }),
        ("dark rules", |_, y, level| if y % 45 < 2 { level.min(90.0) } else { level }),
        ("squares", |x, y, level| if x % 45 < 2 || y % 45 < 2 { level.min(190.0) } else { level }),
        (
            "a desk",
            |x, y, level| {
                if within(x, y, [50, 40, 370, 380]) { level } else { 60.0 + 6.0 * noise(x, y) }
            },
        ),
        (
            "a desk at two sides",
            |x, y, level| if within(x, y, [0, 0, 340, 350]) { level } else { 60.0 },
        ),
    ];
    for (name, change) in clean_but {
        let found = difference(&page(change));
        assert!(found < 3.0, "{name}: {found}");
        let inverted = page(change);
        let pixels = inverted.pixels.iter().map(|level| 255 - level).collect();
        let found = difference(&Grey { pixels, ..inverted });
        assert!(found < 3.0, "{name}, bright on dark: {found}");
    }
}

#[test]
fn light_and_noise_are_not_ink() {
    let lit: [(&str, Change); 8] = [
        ("noise", |x, y, level| level - 20.0 + 8.0 * noise(x, y)),
        ("faint pencil", |x, y, level| 225.0 - 0.16 * (250.0 - level) + 2.5 * noise(x, y)),
        ("light from one side", |x, y, level| {
            level * (1.0 - 0.0014 * x as f32) + 3.0 * noise(x, y)
        }),
        ("light from a corner", |x, y, level| level * (1.0 - 0.0008 * (x + y) as f32)),
        ("a vignette", |x, y, level| {
            level * (1.0 - 0.4 * eccentricity(x, y).powi(2)) + 3.0 * noise(x, y)
        }),
        ("a shadow over one half", |x, y, level| {
            level * (1.0 - 0.4 / (1.0 + (-(x as f32 - 200.0) / 12.0).exp())) + 3.0 * noise(x, y)
        }),
        ("pencil in uneven light", |x, y, level| {
            (225.0 - 0.22 * (250.0 - level)) * (1.0 - 0.001 * y as f32) + 2.0 * noise(x, y)
        }),
        ("a stain", |x, y, level| {
            level * (1.0 - 0.25 * (-(x as f32 - 340.0).hypot(y as f32 - 60.0) / 40.0).exp())
        }),
    ];
    for (name, change) in lit {
        let found = difference(&Grey { lossy: true, ..page(change) });
        assert!(found < 6.0, "{name}: {found}");
    }
}

#[test]
fn paper_without_a_digit_is_blank() {
    let blank: [(&str, Change); 7] = [
        ("white", |_, _, _| 255.0),
        ("light from one side", |x, _, _| 240.0 - 0.3 * x as f32),
        ("a vignette and noise", |x, y, _| {
            220.0 * (1.0 - 0.5 * eccentricity(x, y).powi(2)) + 5.0 * noise(x, y)
        }),
        ("rules", |_, y, _| if y % 45 < 2 { 190.0 } else { 240.0 }),
        ("one black row", |_, y, _| if y == 0 { 0.0 } else { 255.0 }),
        ("one pixel", |x, y, _| if (x, y) == (30, 40) { 0.0 } else { 255.0 }),
        (
            "a sheet on a desk",
            |x, y, _| if within(x, y, [50, 40, 370, 380]) { 240.0 } else { 60.0 },
        ),
    ];
    for (name, change) in blank {
        let found = segment(&page(change));
        assert!(matches!(found, Err(Error::Blank)), "{name}");
    }
}

#[test]
fn two_digits_side_by_side_are_noticed() {
    let one = page(|_, _, level| level);
    assert!(!segment(&one).unwrap().several);
    let rows = one.pixels.chunks_exact(WIDTH).flat_map(|row| [row, row].concat()).collect();
    assert!(segment(&Grey { width: 2 * WIDTH, pixels: rows, ..one }).unwrap().several);
}

#[test]
fn a_digit_that_fills_its_image_is_whole() {
    // The box around the strokes, without a margin.
    let page = page(|_, _, level| level);
    let [left, top, right, bottom] = [101, 91, 240, 310];
    let rows = (top..bottom).flat_map(|y| &page.pixels[y * WIDTH..][left..right]);
    let pixels = rows.copied().collect();
    let tight = Grey { width: right - left, height: bottom - top, pixels, lossy: false };
    let found = difference(&tight);
    assert!(found < 3.0, "{found}");
}

#[test]
fn a_small_digit_in_a_large_image_is_found() {
    let small = seven(40, 12.0, 8.0, 22.0);
    let side = 1200;
    let mut pixels = vec![250_u8; side * side];
    for (index, level) in small.pixels.iter().enumerate() {
        pixels[(700 + index / 40) * side + 300 + index % 40] =
            250 - (f32::from(*level) * 0.9) as u8;
    }
    let large = prepared(&Grey { width: side, height: side, pixels, lossy: false });
    let alone = prepared(&small);
    let difference: f64 = large.iter().zip(&alone).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    assert!(difference / ((SIDE * SIDE) as f64) < 2.0, "{difference}");
}
