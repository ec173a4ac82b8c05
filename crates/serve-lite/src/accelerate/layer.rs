//! What the operations compute: layers with their weights, as the kernels take them.

use std::fmt;

use kernels::{Dense, Filters, Isa, Shape, conv_relu, conv_relu_pool, conv_relu_tiled, dense};
use tract_onnx::tract_core::internal::*;

use super::graph::numbers;
use super::softmax::softmax;

/// A layer that takes and gives float32, picture by picture.
pub(super) enum Layer {
    /// `[height, width, channels]` to the same with fewer rows and columns.
    ConvRelu {
        isa: Isa,
        shape: Shape,
        /// `[channels_out, channels_in, 3, 3]`
        weights: Arc<Tensor>,
        /// `[channels_out]`
        bias: Vec<f32>,
    },
    /// The same by tiles, for more channels.
    ConvReluTiled(Filters),
    /// `[height, width, channels]` to `[channels, rows, columns]`.
    ConvReluPool(Filters),
    /// `[n_in]` to `[n_out]`.
    Dense {
        isa: Isa,
        /// `[n_in, n_out]`, the inputs in one or several axes.
        weights: Arc<Tensor>,
        /// `[n_out]`
        bias: Vec<f32>,
        /// Whether all weights are.
        finite: bool,
        relu: bool,
    },
    /// `[classes]` logits to as many probabilities.
    Softmax { classes: usize },
}

impl Layer {
    /// Numbers that the layer takes for one picture, at least 1.
    pub(super) fn input(&self) -> usize {
        match self {
            Self::ConvRelu { shape, .. } => shape.input(),
            Self::ConvReluTiled(filters) | Self::ConvReluPool(filters) => filters.shape().input(),
            Self::Dense { weights, bias, .. } => weights.len() / bias.len(),
            Self::Softmax { classes } => *classes,
        }
    }

    /// The shape of what the layer gives for one picture.
    pub(super) fn output(&self) -> TVec<usize> {
        match self {
            Self::ConvRelu { shape, .. } => unpooled(*shape),
            Self::ConvReluTiled(filters) => unpooled(filters.shape()),
            Self::ConvReluPool(filters) => {
                let [rows, columns] = filters.shape().pooled_sides();
                tvec![filters.shape().channels_out, rows, columns]
            }
            Self::Dense { bias, .. } => tvec![bias.len()],
            Self::Softmax { classes } => tvec![*classes],
        }
    }

    /// Runs `n` pictures, on rayon's threads.
    ///
    /// # Shapes
    /// - `x`: `n * input()` numbers, `y`: `n` times the volume of `output()`; the kernels panic if
    ///   they are others
    pub(super) fn run(&self, x: &[f32], y: &mut [f32]) -> TractResult<()> {
        match self {
            Self::ConvRelu { isa, shape, weights, bias } => {
                conv_relu(*isa, *shape, numbers(weights)?, bias, x, y);
            }
            Self::ConvReluTiled(filters) => conv_relu_tiled(filters, x, y),
            Self::ConvReluPool(filters) => conv_relu_pool(filters, x, y, None),
            Self::Dense { isa, weights, bias, finite, relu } => {
                let layer = Dense { weights: numbers(weights)?, bias, finite: *finite };
                dense(*isa, layer, *relu, x, y);
            }
            Self::Softmax { classes } => softmax(*classes, x, y),
        }
        Ok(())
    }
}

/// `conv 3x3 32 -> 64, relu, pool 2x2`
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConvRelu { shape, .. } => f.write_str(&convolution(*shape)),
            Self::ConvReluTiled(filters) => f.write_str(&convolution(filters.shape())),
            Self::ConvReluPool(filters) => write!(f, "{}, pool 2x2", convolution(filters.shape())),
            Self::Dense { bias, relu, .. } => {
                let relu = if *relu { ", relu" } else { "" };
                write!(f, "dense {} -> {}{relu}", self.input(), bias.len())
            }
            Self::Softmax { classes } => write!(f, "softmax {classes}"),
        }
    }
}

/// A convolution with ReLU in words.
fn convolution(Shape { channels_in, channels_out, .. }: Shape) -> String {
    format!("conv 3x3 {channels_in} -> {channels_out}, relu")
}

/// Rows, columns and channels of a convolution that is not pooled.
fn unpooled(shape: Shape) -> TVec<usize> {
    let [rows, columns] = shape.output_sides();
    tvec![rows, columns, shape.channels_out]
}
