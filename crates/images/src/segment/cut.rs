//! Parts of an image: the sheet on it, or the surroundings of a small digit.

use super::mask::Mask;
use crate::raster::Grey;

/// The image cut to a sheet's bounding box; what lies outside the sheet takes the sheet's middle level. `factor` is the
/// number of pixels that a cell of the sheet has on each side.
pub(super) fn to_sheet(grey: &Grey, sheet: &Mask, factor: usize) -> Grey {
    // Shadows and blur lie along the sheet's edge.
    let margin = 1 + sheet.width.max(sheet.height) / 64;
    let inner = sheet.inverted().dilated(margin).inverted();
    let weights = vec![0.0; inner.cells.len()];
    let largest = inner.groups(0, &weights).into_iter().max_by_key(|group| group.area);
    let Some(largest) = largest else { return grey.clone() };
    let inside = |index: usize| {
        let (x, y) = (index % grey.width, index / grey.width);
        inner.cells[y / factor * inner.width + x / factor]
    };
    let levels = grey.pixels.iter().enumerate();
    let mut sorted: Vec<u8> =
        levels.clone().filter(|&(index, _)| inside(index)).map(|(_, &level)| level).collect();
    sorted.sort_unstable();
    let paper = sorted[sorted.len() / 2];
    let painted = levels.map(|(index, &level)| if inside(index) { level } else { paper });
    part(&Grey { pixels: painted.collect(), ..*grey }, largest.first, largest.last, factor)
}

/// The image around a small digit, with as much background on each side as the digit is long.
pub(super) fn to_bounds(grey: &Grey, [first, last]: [[usize; 2]; 2], factor: usize) -> Grey {
    let size = (last[0] - first[0]).max(last[1] - first[1]) + 1;
    part(grey, first.map(|cell| cell.saturating_sub(size)), last.map(|cell| cell + size), factor)
}

/// The pixels of the cells from `first` to `last`, column and row each, as far as they lie within the image.
fn part(grey: &Grey, first: [usize; 2], last: [usize; 2], factor: usize) -> Grey {
    let [left, top] = first.map(|cell| cell * factor);
    let [right, bottom] = last.map(|cell| (cell + 1) * factor);
    let (right, bottom) = (right.min(grey.width), bottom.min(grey.height));
    let rows = (top..bottom).flat_map(|y| &grey.pixels[y * grey.width..][left..right]);
    Grey { width: right - left, height: bottom - top, pixels: rows.copied().collect(), ..*grey }
}
