//! The shape of a convolution.

/// A 3x3 convolution with stride 1 and without padding, over one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels of the input, at least 1.
    pub channels_in: usize,
    /// Channels of the output, at least 1.
    pub channels_out: usize,
    /// Rows of the input, at least 3.
    pub height: usize,
    /// Columns of the input, at least 3.
    pub width: usize,
}

impl Shape {
    /// Numbers of one input: `height * width * channels_in`.
    #[must_use]
    pub const fn input(&self) -> usize {
        self.height * self.width * self.channels_in
    }

    /// Rows and columns after the convolution.
    #[must_use]
    pub const fn output_sides(&self) -> [usize; 2] {
        [self.height - 2, self.width - 2]
    }

    /// Numbers of one output: its rows times its columns times `channels_out`.
    #[must_use]
    pub const fn output(&self) -> usize {
        let [height, width] = self.output_sides();
        height * width * self.channels_out
    }

    /// Rows and columns after 2x2 max-pooling with stride 2; an odd last row or column is left out.
    #[must_use]
    pub const fn pooled_sides(&self) -> [usize; 2] {
        let [height, width] = self.output_sides();
        [height / 2, width / 2]
    }

    /// Numbers of one pooled output: its rows times its columns times `channels_out`.
    #[must_use]
    pub const fn pooled(&self) -> usize {
        let [height, width] = self.pooled_sides();
        height * width * self.channels_out
    }

    /// Numbers of the weights `[channels_out, channels_in, 3, 3]`.
    #[must_use]
    pub const fn weights(&self) -> usize {
        self.channels_out * self.channels_in * 9
    }

    /// With the channels of input and output exchanged, as the gradient of the input sees them.
    pub(crate) const fn swapped(self) -> Self {
        Self { channels_in: self.channels_out, channels_out: self.channels_in, ..self }
    }
}
