//! MNIST's own recipe: from ink of any size to a digit centred in 28x28.
//!
//! The steps are those of the QMNIST reconstruction (Yadav and Bottou, "Cold Case: The Lost MNIST
//! Digits", NeurIPS 2019; `xnist.lsh` in its repository), which reproduces MNIST's pixels to within
//! 3 grey levels. Its step of doubling small pictures is left out: an exact area average of doubled
//! pixels equals that of the pixels themselves.

use crate::SIDE;

/// Side of the box a digit is scaled to, in pixels.
pub const BOX: usize = 20;
/// Shortest side of the square around the ink: a dot is not blown up to a whole digit.
const MIN_SQUARE: usize = 10;
/// Centre of mass after pasting, in pixels from the picture's edge; truncating the offset leaves it
/// half a pixel less on average, which is where MNIST's digits lie.
const CENTRE: f64 = 15.0;

/// Ink of any size: levels of at least 0, row by row.
pub(crate) struct Ink {
    pub(crate) width: usize,
    pub(crate) levels: Vec<f32>,
}

/// Scales the ink to [`BOX`] by area average and centres it; `None` if there is no ink.
pub(crate) fn normalise(ink: &Ink) -> Option<Vec<u8>> {
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
    for (y, row) in ink.levels.chunks_exact(ink.width).enumerate() {
        let inked = |&level: &f32| level > 0.0;
        let Some(first) = row.iter().position(inked) else { continue };
        let last = row.iter().rposition(inked).unwrap_or(first);
        (left, right) = (left.min(first), right.max(last + 1));
        (top, bottom) = (top.min(y), y + 1);
    }
    if bottom == 0 {
        return None;
    }
    let (width, height) = (right - left, bottom - top);
    let side = width.max(height).max(MIN_SQUARE);
    let (margin_x, margin_y) = ((side - width) / 2, (side - height) / 2);

    // Box filter: every source pixel spreads over the one or more cells it overlaps. In units of
    // 1 / BOX source pixels both grids fall on whole numbers, so the weights are exact.
    let mut cells = [0.0f64; BOX * BOX];
    for y in top..bottom {
        let row = &ink.levels[y * ink.width..][left..right];
        for (cell_y, weight_y) in overlaps(y - top + margin_y, side) {
            for (x, &level) in row.iter().enumerate().filter(|(_, level)| **level > 0.0) {
                for (cell_x, weight_x) in overlaps(x + margin_x, side) {
                    cells[cell_y * BOX + cell_x] += f64::from(level) * weight_x * weight_y;
                }
            }
        }
    }
    let max = cells.iter().fold(0.0f64, |max, &cell| max.max(cell));
    Some(centre(&cells.map(|cell| (255.0 * cell / max).round() as u8)))
}

/// The cells of a row of [`BOX`] that source pixel `index` of `side` overlaps, each with the
/// overlap's length.
fn overlaps(index: usize, side: usize) -> impl Iterator<Item = (usize, f64)> {
    let (start, end) = (index * BOX, (index + 1) * BOX);
    (start / side..end.div_ceil(side)).map(move |cell| {
        let overlap = end.min((cell + 1) * side) - start.max(cell * side);
        (cell, overlap as f64)
    })
}

/// Pastes a [`BOX`]-sized digit into [`SIDE`] x [`SIDE`] pixels so that its centre of mass lies
/// where MNIST's does, as far as the frame allows.
///
/// Takes and returns grey levels row by row, ink is white. A box without ink gives a black picture.
#[must_use]
pub fn centre(digit: &[u8; BOX * BOX]) -> Vec<u8> {
    let (mut mass, mut moment_x, mut moment_y) = (0.0, 0.0, 0.0);
    for (index, &level) in digit.iter().enumerate() {
        let level = f64::from(level);
        mass += level;
        moment_x += level * ((index % BOX) as f64 + 0.5);
        moment_y += level * ((index / BOX) as f64 + 0.5);
    }
    let mut picture = vec![0; SIDE * SIDE];
    if mass > 0.0 {
        let offset =
            |moment: f64| (CENTRE - moment / mass).clamp(0.0, (SIDE - BOX) as f64) as usize;
        let (x, y) = (offset(moment_x), offset(moment_y));
        for (row, line) in digit.chunks_exact(BOX).enumerate() {
            picture[(y + row) * SIDE + x..][..BOX].copy_from_slice(line);
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

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
    fn area_average_of_a_checked_square_is_that_of_the_definition() {
        // 40 pixels to 20: every cell is the mean of 2x2 pixels.
        let level = |index: usize| ((index * 7919) % 251 + 1) as f32;
        let ink = Ink { width: 40, levels: (0..1600).map(level).collect() };
        let mean = |cell: usize| {
            let (x, y) = (cell % BOX * 2, cell / BOX * 2);
            (0..4).map(|k| f64::from(level((y + k / 2) * 40 + x + k % 2))).sum::<f64>() / 4.0
        };
        let max = (0..400).map(mean).fold(0.0, f64::max);
        let expected: [u8; 400] =
            std::array::from_fn(|cell| (255.0 * mean(cell) / max).round() as u8);
        assert_eq!(normalise(&ink).unwrap(), centre(&expected));
    }

    #[test]
    fn a_corner_heavy_digit_stays_within_the_frame() {
        let mut digit = [0; BOX * BOX];
        digit[BOX * BOX - 1] = 255;
        assert_eq!(centre(&digit)[19 * SIDE + 19], 255);
        let mut digit = [0; BOX * BOX];
        digit[0] = 255;
        assert_eq!(centre(&digit)[8 * SIDE + 8], 255);
    }

    #[test]
    fn a_dot_is_not_blown_up_to_a_digit() {
        let mut levels = vec![0.0; 50 * 50];
        levels[25 * 50 + 25] = 1.0;
        let inked = normalise(&Ink { width: 50, levels }).unwrap();
        assert_eq!(inked.iter().filter(|&&level| level > 0).count(), 4);
    }
}
