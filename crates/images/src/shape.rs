//! The shape of an image as a network takes it.

use serde::{Deserialize, Serialize};

use crate::digit::SIDE;

/// The shape of an image as a network takes it: `[channels, height, width]`, one byte a value.
///
/// It is set where the images come from (the data set), recorded with the run, and written into the ONNX file, where
/// whoever serves the model reads it. Nothing else declares a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageShape {
    /// Values a pixel: 1 for grey levels.
    pub channels: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Columns, in pixels.
    pub width: usize,
}

impl ImageShape {
    /// The shape of MNIST's images and of every prepared digit: 28x28 grey levels.
    pub const DIGIT: Self = Self { channels: 1, height: SIDE, width: SIDE };

    /// Bytes of one image: `channels * height * width`.
    #[must_use]
    pub const fn size(self) -> usize {
        self.channels * self.height * self.width
    }

    /// `[channels, height, width]`, the order of every array of dimensions.
    #[must_use]
    pub const fn dimensions(self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }
}
