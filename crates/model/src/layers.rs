//! One file a layer: how it is made, what it computes, what it costs.

mod batch_norm;
mod convolution;
mod dense;
mod dropout;
mod flatten;
mod max_pool;
mod relu;

use burn::module::Param;
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

pub(crate) use batch_norm::{batch_norm, fold};
pub(crate) use convolution::conv;
pub(crate) use dense::dense;
pub(crate) use dropout::dropout;
pub(crate) use flatten::{Flatten, flatten};
pub(crate) use max_pool::max_pool;
pub(crate) use relu::{Relu, relu};

/// Glorot-uniform weights, Keras's default (Glorot and Bengio 2010, equation 16).
const GLOROT: Initializer = Initializer::XavierUniform { gain: 1.0 };

/// Biases as every layer starts with them, Keras's default.
fn zeros(len: usize, device: &Device) -> Param<Tensor<1>> {
    Initializer::Zeros.init([len], device)
}
