//! MNIST's normalisation: scales a foreground of any size and centres it in 28x28 pixels.
//!
//! The steps are those of the QMNIST reconstruction (Yadav and Bottou, "Cold Case: The Lost MNIST Digits", NeurIPS
//! 2019; `xnist.lsh` in its repository), which reproduces MNIST's pixels to within 3 grey levels. Its step of doubling
//! small images is left out: an exact area average of doubled pixels equals that of the pixels themselves.

use crate::segment::Foreground;
use crate::thicken::thickened;

/// Side of a prepared digit, in pixels.
pub const SIDE: usize = 28;
/// Side of the box a digit is scaled to, in pixels.
pub const BOX: usize = 20;
/// Shortest side of the square around the foreground, in pixels: a dot is not enlarged to a whole digit.
const MIN_SQUARE: usize = 10;
/// Target of the centre of mass, in pixels from the image's edge. Truncating the offset leaves it half a pixel less on
/// average, which is where MNIST's digits are.
const CENTRE: f64 = 15.0;

/// The foreground as one of MNIST's digits; `None` if all is background. Strokes that are thinner than those of MNIST
/// are thickened.
pub(crate) fn normalise(foreground: &Foreground) -> Option<Vec<u8>> {
    let (mut digit, side) = scaled(foreground)?;
    if let Some(thicker) = thickened(foreground, side, &digit) {
        (digit, _) = scaled(&thicker)?;
    }
    Some(centre(&digit))
}

/// The foreground's bounding box at [`BOX`] pixels a side by area average, and its longer side in pixels; `None` if all
/// is background.
fn scaled(foreground: &Foreground) -> Option<([u8; BOX * BOX], usize)> {
    let &Foreground { width: columns, ref contrasts, .. } = foreground;
    let [left, right, top, bottom] = bounds(foreground)?;
    let (width, height) = (right - left, bottom - top);
    let side = width.max(height).max(MIN_SQUARE);
    let (margin_x, margin_y) = ((side - width) / 2, (side - height) / 2);

    // Box filter: a source pixel contributes to every cell by their overlap. In units of 1 / BOX source pixels both
    // grids have integer coordinates, so the weights are exact.
    let mut cells = [0.0f64; BOX * BOX];
    for y in top..bottom {
        let row = contrasts[y * columns..][left..right].iter().copied();
        for (cell_y, weight_y) in overlaps(y - top + margin_y, side) {
            for (x, contrast) in row.clone().enumerate().filter(|(_, contrast)| *contrast > 0.0) {
                for (cell_x, weight_x) in overlaps(x + margin_x, side) {
                    cells[cell_y * BOX + cell_x] += f64::from(contrast) * weight_x * weight_y;
                }
            }
        }
    }
    let max = cells.iter().fold(0.0f64, |max, &cell| max.max(cell));
    Some((cells.map(|cell| (255.0 * cell / max).round() as u8), side))
}

/// Left, right, top and bottom of what is foreground; `None` if nothing is.
fn bounds(foreground: &Foreground) -> Option<[usize; 4]> {
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
    for (y, row) in foreground.contrasts.chunks_exact(foreground.width).enumerate() {
        let is_foreground = |&contrast: &f32| contrast > 0.0;
        let Some(first) = row.iter().position(is_foreground) else { continue };
        let last = row.iter().rposition(is_foreground).unwrap_or(first);
        (left, right) = (left.min(first), right.max(last + 1));
        (top, bottom) = (top.min(y), y + 1);
    }
    (bottom > 0).then_some([left, right, top, bottom])
}

/// The cells in a row of [`BOX`] that the source pixel `index` of `side` overlaps, each with the overlap's length.
fn overlaps(index: usize, side: usize) -> impl Iterator<Item = (usize, f64)> {
    let (start, end) = (index * BOX, (index + 1) * BOX);
    (start / side..end.div_ceil(side)).map(move |cell| {
        let overlap = end.min((cell + 1) * side) - start.max(cell * side);
        (cell, overlap as f64)
    })
}

/// Places a digit of 20x20 pixels in 28x28 so that its centre of mass is where MNIST's is, as far as its box fits.
///
/// Takes and returns grey levels row by row, the foreground is white. A black box gives a black image.
#[must_use]
pub fn centre(digit: &[u8; BOX * BOX]) -> Vec<u8> {
    let (mut mass, mut moment_x, mut moment_y) = (0.0, 0.0, 0.0);
    for (index, &level) in digit.iter().enumerate() {
        let level = f64::from(level);
        mass += level;
        moment_x += level * ((index % BOX) as f64 + 0.5);
        moment_y += level * ((index / BOX) as f64 + 0.5);
    }
    let mut image = vec![0; SIDE * SIDE];
    if mass > 0.0 {
        let offset =
            |moment: f64| (CENTRE - moment / mass).clamp(0.0, (SIDE - BOX) as f64) as usize;
        let (x, y) = (offset(moment_x), offset(moment_y));
        for (row, line) in digit.chunks_exact(BOX).enumerate() {
            image[(y + row) * SIDE + x..][..BOX].copy_from_slice(line);
        }
    }
    image
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn on_black(width: usize, pixels: &[u8]) -> Foreground {
        let contrasts = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
        Foreground { width, contrasts, several: false }
    }

    #[test]
    fn the_box_filter_is_exact_for_any_ratio() {
        for side in [10, 13, 20, 28, 57, 1000] {
            let total: f64 = (0..side).flat_map(|x| overlaps(x, side)).map(|(_, w)| w).sum();
            assert_eq!(total, (side * BOX) as f64);
            let mut cells = [0.0; BOX];
            (0..side).flat_map(|x| overlaps(x, side)).for_each(|(cell, w)| cells[cell] += w);
            assert_eq!(cells, [side as f64; BOX]);
        }
    }

    #[test]
    fn the_area_average_of_a_square_is_that_of_the_definition() {
        // 40 pixels to 20: every cell is the mean of 2x2 pixels.
        let level = |index: usize| ((index * 7919) % 251 + 1) as u8;
        let pixels: Vec<u8> = (0..1600).map(level).collect();
        let mean = |cell: usize| {
            let (x, y) = (cell % BOX * 2, cell / BOX * 2);
            (0..4).map(|k| f64::from(level((y + k / 2) * 40 + x + k % 2))).sum::<f64>() / 4.0
        };
        let max = (0..400).map(mean).fold(0.0, f64::max);
        let expected: [u8; 400] =
            std::array::from_fn(|cell| (255.0 * mean(cell) / max).round() as u8);
        assert_eq!(scaled(&on_black(40, &pixels)), Some((expected, 40)));
    }

    #[test]
    fn a_digit_with_its_mass_in_a_corner_stays_within_the_image() {
        let mut digit = [0; BOX * BOX];
        digit[BOX * BOX - 1] = 255;
        assert_eq!(centre(&digit)[19 * SIDE + 19], 255);
        let mut digit = [0; BOX * BOX];
        digit[0] = 255;
        assert_eq!(centre(&digit)[8 * SIDE + 8], 255);
    }

    #[test]
    fn a_dot_is_not_enlarged_to_a_digit() {
        let mut pixels = vec![0; 50 * 50];
        pixels[25 * 50 + 25] = 1;
        let dot = normalise(&on_black(50, &pixels)).unwrap();
        assert_eq!(dot.iter().filter(|&&level| level > 0).count(), 4);
    }
}
