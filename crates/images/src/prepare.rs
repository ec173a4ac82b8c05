//! Prepares a decoded image for the network.

use serde::{Deserialize, Serialize};

use crate::digit::{BOX, SIDE, normalise};
use crate::error::{Error, Result};
use crate::raster::{Grey, Image};
use crate::resize::{Channel, crop, fit, stretch};
use crate::segment::segment;
use crate::shape::ImageShape;

/// How images become the network's input, in training and in serving alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preparation {
    /// Find the digit, scale it and centre it as MNIST's digits were: white on black, 28x28 pixels.
    Digit,
    /// Scale the image to the network's size, whatever its sides.
    Stretch,
    /// Scale the whole image into the network's size, between bars.
    Fit,
    /// Scale the largest part in the middle that has the ratio of the network's sides.
    Crop,
}

impl Preparation {
    /// Every preparation.
    pub const ALL: [Self; 4] = [Self::Digit, Self::Stretch, Self::Fit, Self::Crop];

    /// The name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digit => "digit",
            Self::Stretch => "stretch",
            Self::Fit => "fit",
            Self::Crop => "crop",
        }
    }

    /// The preparation of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preparation| preparation.name() == name)
    }
}

/// An image as the network takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// `[channels, height, width]` levels.
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
/// The others keep the levels, grey or red, green and blue as `shape` has channels, and what is transparent becomes
/// white. They are what Keras calls resizing, `pad_to_aspect_ratio` and `crop_to_aspect_ratio`: area averages where an
/// image shrinks, linear interpolation where it grows. [`Preparation::Fit`] fills the bars with the median level of the
/// image's border. An image that has the network's sides is kept.
///
/// # Errors
/// [`Error::Blank`] if there is no digit, [`Error::Shape`] if `shape` is not that of a prepared digit, or has other
/// than one or three channels.
pub fn to_network(image: &Image, shape: ImageShape, preparation: Preparation) -> Result<Prepared> {
    let scale = match preparation {
        Preparation::Digit if shape == ImageShape::DIGIT => return digit(&image.to_grey()),
        Preparation::Stretch => stretch,
        Preparation::Fit => fit,
        Preparation::Crop => crop,
        Preparation::Digit => return Err(Error::Shape { preparation, shape }),
    };
    if !matches!(shape.channels, 1 | 3) {
        return Err(Error::Shape { preparation, shape });
    }
    let planes = image.planes(shape.channels);
    let scaled = planes.iter().flat_map(|levels| {
        scale(Channel { width: image.width(), levels }, shape.width, shape.height)
    });
    Ok(Prepared { pixels: scaled.collect(), several: false })
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
