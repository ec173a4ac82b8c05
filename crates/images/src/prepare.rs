//! Prepares a decoded image for the network: segments the digit from its background.

use crate::decode::Grey;
use crate::digit::{Foreground, SIDE, normalise};
use crate::error::{Error, Result};

/// Lowest contrast of a digit, in grey levels. JPEG leaves noise of up to about ten levels on blank paper; faint pencil
/// has a contrast of forty.
const MIN_CONTRAST: f32 = 16.0;
/// Threshold between background and foreground, as a fraction of the highest contrast. It is above JPEG's ringing
/// around strokes (below a tenth) and a camera's noise, and keeps nearly all of an anti-aliased edge.
const THRESHOLD: f32 = 0.1;
/// The threshold where the border has a single level and the format is lossless: only rounding is below it.
const CLEAN_THRESHOLD: f32 = 0.02;
/// Where the background is uneven, as in a photograph, the threshold is also above this quantile of the border's
/// contrast. The rest of the border is left to strokes that touch it.
const BORDER_QUANTILE: f32 = 0.9;
/// How much more uneven the background is inside the image than along its border.
const BORDER_MARGIN: f32 = 1.25;
/// Highest threshold, as a fraction of the highest contrast, however uneven the background.
const MAX_THRESHOLD: f32 = 0.5;

/// How [`to_network`] prepares an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// [`AsIs`](Self::AsIs) for an image of exactly 28x28 pixels, else [`Digit`](Self::Digit). Images of that size have
    /// been prepared already, and may be other things than digits.
    Auto,
    /// Segment the foreground, scale it and centre it as MNIST's digits were.
    Digit,
    /// Keep the grey levels of a 28x28 image unchanged.
    AsIs,
}

/// Prepares a decoded image for the network: 28x28 grey levels, row by row, the foreground is white.
///
/// [`Preparation::Digit`] takes the median level of the image's border as the background. The foreground is what
/// differs from it by more than a threshold, either darker or brighter, whichever differs most; so a dark digit on white
/// and a white one on black give the same result. Then MNIST's procedure: scale the bounding box of the foreground to
/// 20x20, and centre it by its centre of mass.
///
/// # Errors
/// [`Error::Blank`] if there is no foreground, [`Error::Size`] if an image that is not 28x28 shall be kept unchanged,
/// [`Error::Buffer`] if the buffer of `grey` does not fit its sides.
pub fn to_network(grey: &Grey, preparation: Preparation) -> Result<Vec<u8>> {
    let Grey { width, height, ref pixels, .. } = *grey;
    if width.checked_mul(height) != Some(pixels.len()) {
        return Err(Error::Buffer { length: pixels.len(), width, height });
    }
    let is_digit_size = width == SIDE && height == SIDE;
    match preparation {
        Preparation::AsIs | Preparation::Auto if is_digit_size => Ok(pixels.clone()),
        Preparation::AsIs => Err(Error::Size { width, height }),
        Preparation::Auto | Preparation::Digit if pixels.is_empty() => Err(Error::Blank),
        Preparation::Auto | Preparation::Digit => normalise(&foreground(grey)?).ok_or(Error::Blank),
    }
}

/// Segments the foreground: its contrast with the background, and 0 below the threshold.
fn foreground(grey: &Grey) -> Result<Foreground<'_>> {
    let mut border = border(grey);
    border.sort_unstable();
    // The mean of the two middle levels if their number is even, so that an inverted image has the inverse.
    let (lower, upper) = (border[(border.len() - 1) / 2], border[border.len() / 2]);
    let background = f32::from(lower) / 2.0 + f32::from(upper) / 2.0;
    let darkest = f32::from(grey.pixels.iter().copied().fold(255, u8::min));
    let brightest = f32::from(grey.pixels.iter().copied().fold(0, u8::max));
    let (highest, sign) = if background - darkest >= brightest - background {
        (background - darkest, -1.0)
    } else {
        (brightest - background, 1.0)
    };
    if highest < MIN_CONTRAST {
        return Err(Error::Blank);
    }
    if sign < 0.0 {
        border.reverse();
    }
    let quantile = f32::from(border[((border.len() - 1) as f32 * BORDER_QUANTILE) as usize]);
    let unevenness = BORDER_MARGIN * sign * (quantile - background);
    let clean = !grey.lossy && border[0] == border[border.len() - 1];
    let threshold = if clean { CLEAN_THRESHOLD } else { THRESHOLD };
    let threshold = unevenness.clamp(threshold * highest, MAX_THRESHOLD * highest);
    let contrasts = std::array::from_fn(|level| {
        let contrast = sign * (level as f32 - background);
        if contrast < threshold { 0.0 } else { contrast }
    });
    Ok(Foreground { width: grey.width, pixels: &grey.pixels, contrasts })
}

/// The outermost pixels of an image that has at least one.
fn border(grey: &Grey) -> Vec<u8> {
    let Grey { width, height, ref pixels, .. } = *grey;
    let (last_row, last_column) = ((height - 1) * width, width - 1);
    let top_and_bottom = pixels[..width].iter().chain(&pixels[last_row..]);
    let sides = pixels.chunks_exact(width).flat_map(|row| [&row[0], &row[last_column]]);
    top_and_bottom.chain(sides).copied().collect()
}

#[cfg(test)]
mod tests;
