//! Digits as people draw and photograph them: larger, off centre, thicker, dark on white; and two other ways to prepare
//! them, for comparison.

use images::SIDE;

/// Side of a drawing, in pixels: a digit of 16 times its size fits, 80 pixels off the centre.
pub(crate) const CANVAS: usize = 640;
/// How many times its size a digit has at scale 1.
const ENLARGEMENT: f64 = 10.0;

/// How a digit is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transform {
    pub(crate) scale: f64,
    /// Pixels to the right and down from the centre.
    pub(crate) shift: (f64, f64),
    /// Pixels by which strokes grow on each side.
    pub(crate) thickening: usize,
    pub(crate) inverted: bool,
}

impl Transform {
    /// Draws a digit of [`SIDE`]x[`SIDE`] grey levels as one of [`CANVAS`]x[`CANVAS`].
    pub(crate) fn draw(&self, digit: &[u8]) -> Vec<u8> {
        let factor = ENLARGEMENT * self.scale;
        let centre = (CANVAS as f64) / 2.0;
        let at = |x: usize, shift: f64| {
            ((x as f64 + 0.5) - centre - shift) / factor + SIDE as f64 / 2.0 - 0.5
        };
        let (columns, rows): (Vec<_>, Vec<_>) =
            (0..CANVAS).map(|i| (at(i, self.shift.0), at(i, self.shift.1))).unzip();
        let mut drawing = vec![0; CANVAS * CANVAS];
        for (line, &y) in drawing.chunks_exact_mut(CANVAS).zip(&rows) {
            if y > -1.0 && y < SIDE as f64 {
                for (pixel, &x) in line.iter_mut().zip(&columns) {
                    *pixel = level_at(digit, x, y);
                }
            }
        }
        if self.thickening > 0 {
            drawing = thickened(&drawing, self.thickening);
        }
        if self.inverted {
            drawing.iter_mut().for_each(|level| *level = 255 - *level);
        }
        drawing
    }
}

/// The grey level at a position, interpolated between pixels (bilinear); 0 outside the digit.
fn level_at(digit: &[u8], x: f64, y: f64) -> u8 {
    if x <= -1.0 || x >= SIDE as f64 {
        return 0;
    }
    let level = |x: f64, y: f64| {
        let inside = |v: f64| v >= 0.0 && v < SIDE as f64;
        let both = inside(x) && inside(y);
        if both { f64::from(digit[y as usize * SIDE + x as usize]) } else { 0.0 }
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, below) = (x - left, y - top);
    let row = |y| level(left, y) * (1.0 - right) + level(left + 1.0, y) * right;
    (row(top) * (1.0 - below) + row(top + 1.0) * below).round() as u8
}

/// The brightest level within a disc around every pixel, as from a thicker pen.
fn thickened(drawing: &[u8], radius: usize) -> Vec<u8> {
    let mut thick = drawing.to_vec();
    let reach = radius as isize;
    for dy in -reach..=reach {
        // One row of the disc: the maximum over a window of its width there.
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

/// Prepared as many demos do: the middle 280x280 pixels, each 10x10 averaged into one.
pub(crate) fn resized(drawing: &[u8], inverted: bool) -> Vec<u8> {
    let cell = ENLARGEMENT as usize;
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

/// Prepared as others do: with the bounding box of the digit in the centre, in place of its centre of mass.
pub(crate) fn boxed(prepared: &[u8]) -> Vec<u8> {
    let has_ink = |i: &usize| prepared[*i] > 0;
    let rows: Vec<_> = (0..SIDE * SIDE).filter(has_ink).map(|i| i / SIDE).collect();
    let columns: Vec<_> = (0..SIDE * SIDE).filter(has_ink).map(|i| i % SIDE).collect();
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

    const PLAIN: Transform =
        Transform { scale: 1.0, shift: (0.0, 0.0), thickening: 0, inverted: false };

    fn spot() -> Vec<u8> {
        let mut digit = vec![0; SIDE * SIDE];
        digit[3 * SIDE + 20] = 255;
        digit
    }

    #[test]
    fn a_drawing_has_its_ink_where_the_transform_puts_it() {
        let of = |warp: Transform| {
            let drawing = warp.draw(&spot());
            // The first of the brightest.
            let most = (0..drawing.len()).rev().max_by_key(|&i| drawing[i]).unwrap_or(0);
            let most = (most % CANVAS, most / CANVAS);
            (most, drawing.iter().filter(|&&level| level > 0).count())
        };
        let ((x, y), n) = of(PLAIN);
        // Pixel 20 of 28 is 6.5 pixels right of the centre.
        assert!(x.abs_diff(CANVAS / 2 + 65) <= 1 && y.abs_diff(CANVAS / 2 - 105) <= 1, "{x} {y}");
        let ((moved, _), _) = of(Transform { shift: (80.0, 0.0), ..PLAIN });
        assert_eq!(moved, x + 80);
        assert!(of(Transform { thickening: 3, ..PLAIN }).1 > n);
        assert_eq!(Transform { inverted: true, ..PLAIN }.draw(&spot())[0], 255);
    }

    #[test]
    fn other_preparations_keep_the_ink() {
        let ink = |pixels: &[u8]| pixels.iter().map(|&level| f64::from(level)).sum::<f64>();
        for inverted in [false, true] {
            let pixels = resized(&Transform { inverted, ..PLAIN }.draw(&spot()), inverted);
            let most = (0..pixels.len()).max_by_key(|&i| pixels[i]);
            assert_eq!(most, Some(3 * SIDE + 20));
        }
        let centred = boxed(&spot());
        assert_eq!((centred[13 * SIDE + 13], ink(&centred)), (255, 255.0));
    }
}
