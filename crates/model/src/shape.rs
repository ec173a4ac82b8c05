//! What passes from one layer to the next.

use std::fmt;

use burn::tensor::Tensor;
use images::ImageShape;

/// The shape of what one image is between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Feature maps, the image itself among them.
    Maps(ImageShape),
    /// A vector of so many features.
    Features(usize),
}

impl Shape {
    /// Channels of feature maps, or the length of a vector.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Maps(maps) => maps.channels,
            Self::Features(n) => n,
        }
    }

    /// Numbers of one image.
    #[must_use]
    pub fn size(self) -> usize {
        self.dimensions().into_iter().fold(1, usize::saturating_mul)
    }

    /// `[channels, height, width]`, or the length of a vector.
    #[must_use]
    pub fn dimensions(self) -> Vec<usize> {
        match self {
            Self::Maps(maps) => maps.dimensions().to_vec(),
            Self::Features(n) => vec![n],
        }
    }
}

impl fmt::Display for Shape {
    /// `64x12x12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides: Vec<_> = self.dimensions().iter().map(usize::to_string).collect();
        f.pad(&sides.join("x"))
    }
}

/// A batch between two layers.
pub(crate) enum Activations {
    /// `[batch, channels, height, width]`
    Maps(Tensor<4>),
    /// `[batch, features]`
    Features(Tensor<2>),
}

impl Activations {
    /// Feature maps; a vector becomes maps of one pixel.
    pub(crate) fn maps(self) -> Tensor<4> {
        match self {
            Self::Maps(x) => x,
            Self::Features(x) => {
                let [batch, features] = x.dims();
                x.reshape([batch, features, 1, 1])
            }
        }
    }

    /// Vectors; of feature maps one channel after the other, each row by row.
    pub(crate) fn features(self) -> Tensor<2> {
        match self {
            Self::Maps(x) => x.flatten(1, 3),
            Self::Features(x) => x,
        }
    }
}
