//! Prepares a decoded image for the network.

use serde::{Deserialize, Serialize};

use crate::decode::Grey;
use crate::digit::{BOX, SIDE, normalise};
use crate::error::{Error, Result};
use crate::segment::segment;
use crate::shape::ImageShape;
use crate::stretch::stretch;

/// How images become the network's input, in training and in serving alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preparation {
    /// Find the digit, scale it and centre it as MNIST's digits were: white on black, 28x28 pixels.
    Digit,
    /// Keep the grey levels, and scale the image to the network's size whatever its sides.
    Stretch,
}

impl Preparation {
    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digit => "digit",
            Self::Stretch => "stretch",
        }
    }

    /// The preparation of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Digit, Self::Stretch].into_iter().find(|preparation| preparation.name() == name)
    }
}

/// An image as the network takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// `[channels, height, width]` grey levels.
    pub pixels: Vec<u8>,
    /// Whether several digits seem to stand side by side, of which a network can name one at most.
    pub several: bool,
}

/// Prepares a decoded image for a network that takes `shape`.
///
/// [`Preparation::Digit`] separates the digit from its background, dark on bright or bright on dark: paper in uneven
/// light or on a desk, ruled or squared, with specks, borders and an underline. Then MNIST's procedure: scale the
/// digit's bounding box to 20x20, and centre it by its centre of mass. An image of 28x28 pixels whose digit is in place
/// already keeps its grey levels; dark on white it is inverted.
///
/// [`Preparation::Stretch`] keeps an image that has the network's sides, and scales any other by area averages, or
/// linearly where it grows.
///
/// # Errors
/// [`Error::Blank`] if there is no digit, [`Error::Shape`] if `shape` is not that of a prepared digit, or has other
/// than one channel, [`Error::Buffer`] if the buffer of `grey` does not fit its sides.
pub fn to_network(grey: &Grey, shape: ImageShape, preparation: Preparation) -> Result<Prepared> {
    let Grey { width, height, ref pixels, .. } = *grey;
    if width.checked_mul(height) != Some(pixels.len()) || pixels.is_empty() {
        return Err(Error::Buffer { length: pixels.len(), width, height });
    }
    match preparation {
        Preparation::Digit if shape != ImageShape::DIGIT => {
            Err(Error::Shape { preparation, shape })
        }
        Preparation::Digit => digit(grey),
        Preparation::Stretch if shape.channels != 1 => Err(Error::Shape { preparation, shape }),
        Preparation::Stretch => {
            Ok(Prepared { pixels: stretch(grey, shape.width, shape.height), several: false })
        }
    }
}

fn digit(grey: &Grey) -> Result<Prepared> {
    if (grey.width, grey.height) == (SIDE, SIDE) {
        let inverse = || grey.pixels.iter().map(|level| 255 - level).collect::<Vec<_>>();
        for pixels in [grey.pixels.clone(), inverse()] {
            if is_prepared(&pixels) {
                return Ok(Prepared { pixels, several: false });
            }
        }
    }
    let foreground = segment(grey)?;
    let pixels = normalise(&foreground).ok_or(Error::Blank)?;
    Ok(Prepared { pixels, several: foreground.several })
}

/// Whether 28x28 grey levels, row by row, are a digit as MNIST has them: on black, with its box and centre in place.
///
/// Of MNIST's test images 9,997 of 10,000 are.
#[must_use]
pub fn is_prepared(pixels: &[u8]) -> bool {
    if pixels.len() != SIDE * SIDE {
        return false;
    }
    let (mut mass, mut moments) = (0.0, [0.0; 2]);
    let (mut first, mut last) = ([SIDE; 2], [0; 2]);
    for (index, &level) in pixels.iter().enumerate().filter(|&(_, &level)| level > 0) {
        let place = [index % SIDE, index / SIDE];
        mass += f64::from(level);
        for axis in 0..2 {
            moments[axis] += f64::from(level) * (place[axis] as f64 + 0.5);
            first[axis] = first[axis].min(place[axis]);
            last[axis] = last[axis].max(place[axis]);
        }
    }
    // Centring truncates to whole pixels, so the centre of mass is at most one pixel beyond the image's middle.
    let middle = SIDE as f64 / 2.0;
    let centred = moments.iter().all(|moment| (middle..middle + 1.0).contains(&(moment / mass)));
    centred && (0..2).any(|axis| last[axis] + 1 - first[axis] == BOX)
}

#[cfg(test)]
mod tests;
