//! Layers with their weights, in the form that the kernels take.

use std::fmt;

use kernels::{
    Dense, Filters, Isa, Order, Shape, conv_relu, conv_relu_pool, conv_relu_tiled, dense,
};
use tract_onnx::tract_core::internal::*;

use super::graph::values;
use super::softmax::softmax;

/// A layer with float32 input and output that computes each image independently.
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
    /// The same by the tiled kernel, for more channels.
    ConvReluTiled(Filters),
    /// `[height, width, channels]` to `[channels, rows, columns]`.
    ConvReluPool(Filters),
    /// `[height, width, channels]` to the same with a border of zeros, `padding` wide.
    Pad { height: usize, width: usize, channels: usize, padding: usize },
    /// `[channels, plane]` to `[channels]`: the sum of each plane.
    Sum { channels: usize, plane: usize },
    /// `[n_in]` to `[n_out]`.
    Dense {
        isa: Isa,
        /// `[n_in, n_out]`, the inputs in one or several axes.
        weights: Arc<Tensor>,
        /// `[n_out]`
        bias: Vec<f32>,
        /// Whether all weights are finite.
        finite: bool,
        relu: bool,
    },
    /// `[classes]` logits to as many probabilities.
    Softmax { classes: usize },
}

impl Layer {
    /// Input values of one image, at least 1.
    pub(super) fn input_size(&self) -> usize {
        match self {
            Self::ConvRelu { shape, .. } => shape.input(),
            Self::ConvReluTiled(filters) | Self::ConvReluPool(filters) => filters.shape().input(),
            Self::Pad { height, width, channels, .. } => height * width * channels,
            Self::Sum { channels, plane } => channels * plane,
            Self::Dense { weights, bias, .. } => weights.len() / bias.len(),
            Self::Softmax { classes } => *classes,
        }
    }

    /// The shape of one image's output.
    pub(super) fn output_shape(&self) -> TVec<usize> {
        match self {
            Self::ConvRelu { shape, .. } => unpooled(*shape),
            Self::ConvReluTiled(filters) => unpooled(filters.shape()),
            Self::ConvReluPool(filters) => {
                let [rows, columns] = filters.shape().pooled_sides();
                tvec![filters.shape().channels_out, rows, columns]
            }
            Self::Pad { height, width, channels, padding } => {
                tvec![height + 2 * padding, width + 2 * padding, *channels]
            }
            Self::Sum { channels, .. } => tvec![*channels, 1, 1],
            Self::Dense { bias, .. } => tvec![bias.len()],
            Self::Softmax { classes } => tvec![*classes],
        }
    }

    /// Runs `n` images, on rayon's threads.
    ///
    /// # Shapes
    /// - `x`: `n * input_size()` values, `y`: `n` times the volume of `output_shape()`; the kernels panic for other
    ///   lengths; `y` is zero
    pub(super) fn run(&self, x: &[f32], y: &mut [f32]) -> TractResult<()> {
        match self {
            Self::ConvRelu { isa, shape, weights, bias } => {
                conv_relu(*isa, *shape, values(weights)?, bias, x, y);
            }
            Self::ConvReluTiled(filters) => conv_relu_tiled(filters, x, y),
            Self::ConvReluPool(filters) => conv_relu_pool(filters, x, Order::First, y, None),
            Self::Dense { isa, weights, bias, finite, relu } => {
                let layer = Dense { weights: values(weights)?, bias, finite: *finite };
                dense(*isa, layer, *relu, x, y);
            }
            Self::Pad { height, width, channels, padding } => {
                let row = width * channels;
                let (wide, border) = (row + 2 * padding * channels, padding * channels);
                for (x, y) in x
                    .chunks_exact(height * row)
                    .zip(y.chunks_exact_mut((height + 2 * padding) * wide))
                {
                    let inner = y[padding * wide..].chunks_exact_mut(wide);
                    for (x, y) in x.chunks_exact(row).zip(inner) {
                        y[border..border + row].copy_from_slice(x);
                    }
                }
            }
            Self::Sum { plane, .. } => {
                for (x, y) in x.chunks_exact(*plane).zip(y) {
                    *y = x.iter().sum();
                }
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
                write!(f, "dense {} -> {}{relu}", self.input_size(), bias.len())
            }
            Self::Pad { padding, .. } => write!(f, "pad {padding}"),
            Self::Sum { plane, .. } => write!(f, "sum {plane}"),
            Self::Softmax { classes } => write!(f, "softmax {classes}"),
        }
    }
}

/// The description of a convolution with ReLU.
fn convolution(Shape { channels_in, channels_out, .. }: Shape) -> String {
    format!("conv 3x3 {channels_in} -> {channels_out}, relu")
}

/// Rows, columns and channels of an unpooled convolution's output.
fn unpooled(shape: Shape) -> TVec<usize> {
    let [rows, columns] = shape.output_sides();
    tvec![rows, columns, shape.channels_out]
}
