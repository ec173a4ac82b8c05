//! Separates a digit from its background: uneven light, noise, specks, rules, borders, desks.
//!
//! The digit is looked for on a reduced image. Two backgrounds are tried, one level and a surface that follows the
//! light, each with rising thresholds, with printed lines and without. The first attempt that is tidy is taken: a
//! group of strokes within the image and little besides. So a clean image keeps its faintest strokes.

mod clutter;
mod contrast;
mod cut;
mod mask;
mod paper;
mod plane;
mod sheet;

use clutter::{Found, choose, was_ruled, without_rules};
use contrast::Contrast;
use plane::Plane;
pub(crate) use plane::border;

use crate::error::{Error, Result};
use crate::raster::Grey;

/// Longest side of the reduced image, in cells.
const LONGEST: usize = 320;
/// Shortest side of a reduced image that is smoothed: strokes of smaller ones have the width of the filter.
const MIN_SMOOTHED: usize = 56;
/// What the filter leaves of the deviation of white noise: the norm of its coefficients, 6 / 16.
const SMOOTHED_NOISE: f32 = 0.375;
/// Thresholds between background and foreground, as fractions of the highest contrast. The first is above JPEG's
/// ringing around strokes (below a tenth) and keeps nearly all of an anti-aliased edge.
const THRESHOLDS: [f32; 4] = [0.1, 0.2, 0.35, 0.5];
/// The first threshold where the border has a single level and the format is lossless: only rounding is below it.
const CLEAN_THRESHOLD: f32 = 0.02;
/// A digit that covers fewer cells a side is looked at again, enlarged.
const MIN_CELLS: usize = 64;
/// How often an image is cut down, to a sheet or to a small digit.
const MAX_CUTS: usize = 3;

/// A digit separated from its background.
#[derive(Clone, Debug)]
pub(crate) struct Foreground {
    /// Width of the part of the image around the digit, in pixels.
    pub(crate) width: usize,
    /// The contrast of each of its pixels with the background, row by row; 0 is background.
    pub(crate) contrasts: Vec<f32>,
    /// Whether several digits stand side by side.
    pub(crate) several: bool,
}

/// Separates the digit from the background of an image that has at least one pixel.
///
/// # Errors
/// [`Error::Blank`] if there is none.
pub(crate) fn segment(grey: &Grey) -> Result<Foreground> {
    segment_part(grey, MAX_CUTS)
}

fn segment_part(grey: &Grey, cuts: usize) -> Result<Foreground> {
    let factor = grey.width.max(grey.height).div_ceil(LONGEST);
    let reduced = Plane::reduced(grey, factor);
    let noise = reduced.noise();
    let (plane, noise) = if reduced.width.min(reduced.height) >= MIN_SMOOTHED {
        (reduced.smoothed(), SMOOTHED_NOISE * noise)
    } else {
        (reduced, noise)
    };
    let flat = Contrast::flat(&plane, noise);
    if let Some(sheet) = sheet::find(&flat.core()).filter(|_| cuts > 0) {
        match segment_part(&cut::to_sheet(grey, &sheet.mask, factor), cuts - 1) {
            Err(Error::Blank) if sheet.elongated => {}
            found => return found,
        }
    }
    let uneven = Contrast::uneven(&plane, noise);
    // Against one level, light alone looks like ink.
    if uneven.is_blank() {
        return Err(Error::Blank);
    }
    let border = border(&grey.pixels, grey.width);
    let clean = !grey.lossy && border.iter().all(|&level| level == border[0]);
    let contrasts = if flat.uneven { [uneven, flat] } else { [flat, uneven] };
    let (contrast, threshold, found) = first_tidy(&contrasts, clean).ok_or(Error::Blank)?;
    let [first, last] = found.bounds;
    if cuts > 0 && factor > 1 && (last[0] - first[0]).max(last[1] - first[1]) < MIN_CELLS {
        return segment_part(&cut::to_bounds(grey, found.bounds, factor), cuts - 1);
    }
    Ok(contrast.foreground(grey, factor, threshold, &found))
}

/// The first tidy attempt, or the first of all, with its contrasts and threshold.
fn first_tidy(contrasts: &[Contrast; 2], clean: bool) -> Option<(&Contrast, f32, Found)> {
    let mut first = None;
    for (index, contrast) in
        contrasts.iter().enumerate().filter(|(_, contrast)| !contrast.is_blank())
    {
        let clean = clean && index == 0;
        let lowest = if clean { CLEAN_THRESHOLD } else { THRESHOLDS[0] };
        for fraction in [lowest].iter().chain(&THRESHOLDS[1..]) {
            let threshold = contrast.threshold(*fraction);
            let mask = contrast.mask(threshold);
            let with_rules = choose(&mask, &contrast.plane.levels);
            let without = choose(&without_rules(&mask), &contrast.plane.levels);
            let found = match (with_rules, without) {
                (Some(with), Some(without)) if with.tidy && !was_ruled(&with, &without) => with,
                (Some(_), Some(without)) if without.tidy => without,
                (Some(with), _) => with,
                (None, _) => continue,
            };
            if found.tidy && (clean || contrast.is_crisp(&found)) {
                return Some((contrast, threshold, found));
            }
            first = first.or(Some((contrast, threshold, found)));
        }
    }
    first
}

#[cfg(test)]
mod tests;
