//! What an image is recognised by when its size, its quality or its brightness has changed.

use crate::raster::Image;
use crate::resize::{Channel, stretch};

/// Side of the thumbnail, in pixels.
const SIDE: usize = 16;
/// Thumbnails whose standard deviation is below so many levels show nothing to compare.
const FLAT: f64 = 2.0;
/// The correlation of two thumbnails from which on they show the same.
const SAME: f64 = 0.99;
/// The largest difference of the images' hues, in levels.
const HUE: i32 = 12;

/// What an image is recognised by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The difference hash: for each of 8x8 cells whether the cell to the right is brighter, the first cell in the lowest
    /// bit (Krawetz, "Kind of Like That", 2013). Images that look the same differ in few bits.
    pub gradients: u64,
    /// 16x16 grey levels.
    thumbnail: [u8; SIDE * SIDE],
    /// Mean red and mean blue, each less mean green.
    hue: [i16; 2],
}

impl Fingerprint {
    /// The fingerprint of an image.
    #[must_use]
    pub fn of(image: &Image) -> Self {
        let scaled = |levels: &[u8], width, height| {
            stretch(Channel { width: image.width(), levels }, width, height)
        };
        let grey = &image.planes(1)[0];
        let cells = scaled(grey, 9, 8);
        let brighter = |bit: usize| cells[bit / 8 * 9 + bit % 8 + 1] > cells[bit / 8 * 9 + bit % 8];
        let mut thumbnail = [0; SIDE * SIDE];
        thumbnail.copy_from_slice(&scaled(grey, SIDE, SIDE));
        let hue = match image.planes(3).as_slice() {
            [red, green, blue] => {
                [red, blue].map(|levels| (mean(levels) - mean(green)).round() as i16)
            }
            _ => [0; 2],
        };
        let gradients = (0..64).filter(|&bit| brighter(bit)).map(|bit| 1 << bit).sum();
        Self { gradients, thumbnail, hue }
    }

    /// Whether two images show the same: their thumbnails correlate, whatever their brightness and contrast, and they have
    /// the same hue.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let [a, b] = [self, other];
        let differs = |axis: usize| i32::from(a.hue[axis]) - i32::from(b.hue[axis]);
        (0..2).all(|axis| differs(axis).abs() <= HUE)
            && correlation(&a.thumbnail, &b.thumbnail) >= SAME
    }
}

fn mean(levels: &[u8]) -> f64 {
    levels.iter().map(|&level| u64::from(level)).sum::<u64>() as f64 / levels.len().max(1) as f64
}

/// Pearson's correlation; 0 where one of them is flat.
fn correlation(a: &[u8; SIDE * SIDE], b: &[u8; SIDE * SIDE]) -> f64 {
    let n = (SIDE * SIDE) as f64;
    let (mut sums, mut squares, mut product) = ([0_u32; 2], [0_u32; 2], 0_u32);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (u32::from(a), u32::from(b));
        sums = [sums[0] + a, sums[1] + b];
        squares = [squares[0] + a * a, squares[1] + b * b];
        product += a * b;
    }
    let [mean_a, mean_b] = sums.map(|sum| f64::from(sum) / n);
    let variance = |square: u32, mean: f64| f64::from(square) / n - mean * mean;
    let [var_a, var_b] = [variance(squares[0], mean_a), variance(squares[1], mean_b)];
    if var_a.min(var_b) < FLAT * FLAT {
        return 0.0;
    }
    (f64::from(product) / n - mean_a * mean_b) / (var_a * var_b).sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{DynamicImage, Rgb, RgbImage};

    use super::*;

    fn fingerprint(side: u32, pixel: impl Fn(f64, f64) -> [f64; 3]) -> Fingerprint {
        let at = |at: u32| (f64::from(at) + 0.5) / f64::from(side);
        let image = RgbImage::from_fn(side, side, |x, y| {
            Rgb(pixel(at(x), at(y)).map(|level| level.clamp(0.0, 255.0) as u8))
        });
        Fingerprint::of(&Image::new(DynamicImage::ImageRgb8(image), false))
    }

    fn scene(x: f64, y: f64) -> [f64; 3] {
        let level = 120.0 + 60.0 * (5.0 * x + 3.0 * y).sin() * (7.0 * y).cos() + 60.0 * x;
        [level, level * 0.8, level * 0.5]
    }

    #[test]
    fn the_same_scene_in_another_size_and_light_is_recognised() {
        let one = fingerprint(64, scene);
        let smaller = fingerprint(40, scene);
        let darker = fingerprint(64, |x, y| scene(x, y).map(|level| level * 0.9 + 3.0));
        for other in [&smaller, &darker] {
            assert!((one.gradients ^ other.gradients).count_ones() <= 4);
            assert!(one.shows_the_same(other));
        }
        let mirrored = fingerprint(64, |x, y| scene(1.0 - x, y));
        assert!((one.gradients ^ mirrored.gradients).count_ones() > 10);
        assert!(!one.shows_the_same(&mirrored));
        let blue = fingerprint(64, |x, y| {
            let [r, g, b] = scene(x, y);
            [b, g, r]
        });
        assert!(!one.shows_the_same(&blue), "another hue");
    }

    #[test]
    fn flat_images_show_nothing() {
        let flat = fingerprint(32, |_, _| [90.0; 3]);
        assert_eq!(flat.gradients, 0);
        assert!(!flat.shows_the_same(&flat));
        let steps = fingerprint(90, |x, _| [(x * 9.0).floor() * 20.0; 3]);
        assert_eq!(steps.gradients, u64::MAX);
    }
}
