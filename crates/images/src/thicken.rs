//! Thickens the strokes of a thin pen to about what MNIST's writers used.

use crate::digit::BOX;
use crate::segment::Foreground;

/// Thinner strokes than this are thickened, in pixels of the digit's box of [`BOX`]. Of MNIST's test images one in a
/// hundred is thinner, and half of them are thicker than 2.36.
const THINNEST: f32 = 1.45;
/// What they are thickened to.
const TARGET: f32 = 1.9;

/// The foreground with thicker strokes, if those of `digit` are thin: the same at [`BOX`] pixels for `side`.
pub(crate) fn thickened(
    foreground: &Foreground,
    side: usize,
    digit: &[u8; BOX * BOX],
) -> Option<Foreground> {
    let width = stroke_width(digit);
    let radius = ((TARGET - width) / 2.0 * side as f32 / BOX as f32).round() as usize;
    if width >= THINNEST || radius == 0 {
        return None;
    }
    let columns = foreground.width + 2 * radius;
    let rows = foreground.contrasts.len() / foreground.width + 2 * radius;
    let mut padded = vec![0.0; columns * rows];
    for (y, row) in foreground.contrasts.chunks_exact(foreground.width).enumerate() {
        padded[(y + radius) * columns + radius..][..row.len()].copy_from_slice(row);
    }
    let contrasts = largest(&largest(&padded, columns, radius), rows, radius);
    Some(Foreground { width: columns, contrasts, ..*foreground })
}

/// The mean width of a digit's strokes, in pixels: twice their area by their outline, whose length along rows and columns
/// is 4 / pi times as long as the outline itself where all directions occur alike.
fn stroke_width(digit: &[u8; BOX * BOX]) -> f32 {
    let at = |x: usize, y: usize| match (1..=BOX).contains(&x) && (1..=BOX).contains(&y) {
        true => f32::from(digit[(y - 1) * BOX + x - 1]),
        false => 0.0,
    };
    let (mut area, mut outline) = (0.0, 0.0);
    for y in 0..=BOX {
        for x in 0..=BOX {
            let level = at(x, y);
            area += level;
            outline += (at(x + 1, y) - level).abs() + (at(x, y + 1) - level).abs();
        }
    }
    2.0 * area / outline * (4.0 / std::f32::consts::PI)
}

/// The largest level within `radius` along rows of `width`, as columns: applied twice, of a square.
fn largest(levels: &[f32], width: usize, radius: usize) -> Vec<f32> {
    let height = levels.len() / width;
    let mut turned = vec![0.0; levels.len()];
    for (y, row) in levels.chunks_exact(width).enumerate() {
        for x in 0..width {
            let near = &row[x.saturating_sub(radius)..(x + radius + 1).min(width)];
            turned[x * height + y] = near.iter().fold(0.0, |max: f32, &level| max.max(level));
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A bar of 100 rows, so many pixels wide, and the same in a box.
    fn bar(thickness: usize) -> (Foreground, [u8; BOX * BOX]) {
        let row = |x: usize| if (20..20 + thickness).contains(&x) { 100.0 } else { 0.0 };
        let contrasts = (0..100 * 60).map(|index| row(index % 60)).collect();
        let level = |x: usize| if x == 9 { (51 * thickness).min(255) as u8 } else { 0 };
        let digit = std::array::from_fn(|index| match thickness {
            ..=5 => level(index % BOX),
            _ => u8::from((9..11).contains(&(index % BOX))) * 255,
        });
        (Foreground { width: 60, contrasts, several: false }, digit)
    }

    #[test]
    fn thin_strokes_become_thicker_and_others_stay() {
        let thick = |bar: &Foreground| bar.contrasts.iter().filter(|&&level| level > 0.0).count();
        // A pixel of the box is 5 pixels wide.
        let (thin, digit) = bar(2);
        let wide = thickened(&thin, 100, &digit).unwrap();
        let radius = ((1.9 - stroke_width(&digit)) / 2.0 * 5.0).round() as usize;
        assert!((1..3).contains(&radius));
        assert_eq!(thick(&wide), (2 + 2 * radius) * (100 + 2 * radius));
        let (normal, digit) = bar(9);
        assert!(thickened(&normal, 100, &digit).is_none());
    }
}
