//! Digits as people draw and photograph them: larger, elsewhere, thicker, dark on white; and
//! recipes to prepare them that are not MNIST's, to compare.

use std::io::Cursor;

use anyhow::Context;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use images::SIDE;

/// Side of a drawing, in pixels; a digit of 1.6 x 10 times its size fits, 80 pixels off its centre.
pub(super) const CANVAS: usize = 640;
/// How many times its size a digit has before it is scaled.
const LARGER: f64 = 10.0;

/// What is done to a digit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Warp {
    pub(super) scale: f64,
    /// Pixels off the centre, to the right and down.
    pub(super) shift: (f64, f64),
    /// Pixels that the strokes grow by on each side.
    pub(super) thicker: usize,
    pub(super) inverted: bool,
}

impl Warp {
    /// A drawing of [`CANVAS`] squared grey levels from the 784 of a digit.
    pub(super) fn draw(&self, digit: &[u8]) -> Vec<u8> {
        let factor = LARGER * self.scale;
        let middle = (CANVAS as f64) / 2.0;
        let at = |x: usize, shift: f64| {
            ((x as f64 + 0.5) - middle - shift) / factor + SIDE as f64 / 2.0 - 0.5
        };
        let (columns, rows): (Vec<_>, Vec<_>) =
            (0..CANVAS).map(|i| (at(i, self.shift.0), at(i, self.shift.1))).unzip();
        let mut drawing = vec![0; CANVAS * CANVAS];
        for (line, &y) in drawing.chunks_exact_mut(CANVAS).zip(&rows) {
            if y > -1.0 && y < SIDE as f64 {
                for (pixel, &x) in line.iter_mut().zip(&columns) {
                    *pixel = between(digit, x, y);
                }
            }
        }
        if self.thicker > 0 {
            drawing = thickened(&drawing, self.thicker);
        }
        if self.inverted {
            drawing.iter_mut().for_each(|level| *level = 255 - *level);
        }
        drawing
    }
}

/// The grey level at a place between pixels (bilinear); 0 beyond the picture.
fn between(digit: &[u8], x: f64, y: f64) -> u8 {
    if x <= -1.0 || x >= SIDE as f64 {
        return 0;
    }
    let level = |x: f64, y: f64| {
        let inside = |v: f64| v >= 0.0 && v < SIDE as f64;
        let both = inside(x) && inside(y);
        if both { f64::from(digit[y as usize * SIDE + x as usize]) } else { 0.0 }
    };
    let (left, top) = (x.floor(), y.floor());
    let (right_part, lower_part) = (x - left, y - top);
    let row = |y| level(left, y) * (1.0 - right_part) + level(left + 1.0, y) * right_part;
    (row(top) * (1.0 - lower_part) + row(top + 1.0) * lower_part).round() as u8
}

/// The brightest level within a disc around every pixel, as a thicker pen leaves.
fn thickened(drawing: &[u8], radius: usize) -> Vec<u8> {
    let mut thick = drawing.to_vec();
    let reach = radius as isize;
    for dy in -reach..=reach {
        // The row of the disc, as wide as it is there: the maximum over a window of that width.
        let half = ((reach * reach - dy * dy) as f64).sqrt() as usize;
        for y in 0..CANVAS {
            let Some(from) = y.checked_add_signed(dy).filter(|from| *from < CANVAS) else {
                continue;
            };
            let source = &drawing[from * CANVAS..][..CANVAS];
            let (Some(first), Some(last)) =
                (source.iter().position(|&v| v > 0), source.iter().rposition(|&v| v > 0))
            else {
                continue;
            };
            let target = &mut thick[y * CANVAS..][..CANVAS];
            for x in first.saturating_sub(half)..(last + half + 1).min(CANVAS) {
                let window = &source[x.saturating_sub(half)..(x + half + 1).min(CANVAS)];
                let most = window.iter().copied().max().unwrap_or(0);
                target[x] = target[x].max(most);
            }
        }
    }
    thick
}

/// A square grey picture as a PNG file.
pub(super) fn png(side: usize, pixels: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::NoFilter)
        .write_image(pixels, side as u32, side as u32, ExtendedColorType::L8)
        .context("cannot write a PNG")?;
    Ok(bytes.into_inner())
}

/// A square grey picture as a JPEG file.
pub(super) fn jpeg(side: usize, pixels: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    JpegEncoder::new(&mut bytes)
        .write_image(pixels, side as u32, side as u32, ExtendedColorType::L8)
        .context("cannot write a JPEG")?;
    Ok(bytes.into_inner())
}

/// What many demos do: the middle of the drawing, as large as their canvas of 280 pixels, averaged
/// into the network's pixels.
pub(super) fn resized(drawing: &[u8], inverted: bool) -> Vec<u8> {
    let cell = LARGER as usize;
    let edge = (CANVAS - SIDE * cell) / 2;
    let average = |i: usize| {
        let (left, top) = (edge + i % SIDE * cell, edge + i / SIDE * cell);
        let rows = (top..top + cell).map(|y| &drawing[y * CANVAS + left..][..cell]);
        let sum: usize = rows.flatten().map(|&level| usize::from(level)).sum();
        let level = (sum / (cell * cell)) as u8;
        if inverted { 255 - level } else { level }
    };
    (0..SIDE * SIDE).map(average).collect()
}

/// What others do: the digit's box in the middle, in place of its centre of mass.
pub(super) fn boxed(prepared: &[u8]) -> Vec<u8> {
    let inked = |i: &usize| prepared[*i] > 0;
    let rows: Vec<_> = (0..SIDE * SIDE).filter(inked).map(|i| i / SIDE).collect();
    let columns: Vec<_> = (0..SIDE * SIDE).filter(inked).map(|i| i % SIDE).collect();
    let offset = |places: &[usize]| {
        let first = places.iter().min().copied().unwrap_or(0);
        let last = places.iter().max().copied().unwrap_or(SIDE - 1);
        (SIDE - (last + 1 - first)) as isize / 2 - first as isize
    };
    let (down, right) = (offset(&rows), offset(&columns));
    let mut centred = vec![0; SIDE * SIDE];
    for (y, x) in rows.into_iter().zip(columns) {
        let to = (y as isize + down) * SIDE as isize + x as isize + right;
        centred[to as usize] = prepared[y * SIDE + x];
    }
    centred
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Warp = Warp { scale: 1.0, shift: (0.0, 0.0), thicker: 0, inverted: false };

    fn spot() -> Vec<u8> {
        let mut digit = vec![0; SIDE * SIDE];
        digit[3 * SIDE + 20] = 255;
        digit
    }

    #[test]
    fn a_drawing_has_its_ink_where_it_was_put() {
        let of = |warp: Warp| {
            let drawing = warp.draw(&spot());
            // The first of the brightest.
            let most = (0..drawing.len()).rev().max_by_key(|&i| drawing[i]).unwrap_or(0);
            let most = (most % CANVAS, most / CANVAS);
            (most, drawing.iter().filter(|&&level| level > 0).count())
        };
        let ((x, y), n) = of(PLAIN);
        // Pixel 20 of 28 is 6.5 pixels right of the middle.
        assert!(x.abs_diff(CANVAS / 2 + 65) <= 1 && y.abs_diff(CANVAS / 2 - 105) <= 1, "{x} {y}");
        let ((moved, _), _) = of(Warp { shift: (80.0, 0.0), ..PLAIN });
        assert_eq!(moved, x + 80);
        assert!(of(Warp { thicker: 3, ..PLAIN }).1 > n);
        assert_eq!(Warp { inverted: true, ..PLAIN }.draw(&spot())[0], 255);
    }

    #[test]
    fn other_recipes_keep_the_ink() {
        let ink = |pixels: &[u8]| pixels.iter().map(|&level| f64::from(level)).sum::<f64>();
        for inverted in [false, true] {
            let pixels = resized(&Warp { inverted, ..PLAIN }.draw(&spot()), inverted);
            let most = (0..pixels.len()).max_by_key(|&i| pixels[i]);
            assert_eq!(most, Some(3 * SIDE + 20));
        }
        let centred = boxed(&spot());
        assert_eq!((centred[13 * SIDE + 13], ink(&centred)), (255, 255.0));
    }

    #[test]
    fn a_png_is_read_as_it_was_written() {
        let bytes = png(SIDE, &spot()).unwrap_or_default();
        assert_eq!(images::decode(&bytes).map(|grey| grey.pixels).unwrap_or_default(), spot());
    }
}
