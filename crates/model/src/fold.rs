//! Batch normalisation folded into the layer behind it, where it is one multiplication and one addition a channel.

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::Tensor;

/// `conv` of the normalised features as a convolution of the features themselves. It must have no padding.
pub(crate) fn fold_into_conv(norm: &BatchNorm, conv: Conv2d) -> Conv2d {
    let [outputs, channels, ..] = conv.weight.dims();
    let (scale, offset) = affine(norm);
    let by_channel = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
    let weight = conv.weight.val();
    let added = (weight.clone() * by_channel(offset)).reshape([outputs as i32, -1]).sum_dim(1);
    let bias = conv.bias.as_ref().expect("every convolution of the network has a bias").val();
    Conv2d {
        weight: Param::from_tensor(weight * by_channel(scale)),
        bias: Some(Param::from_tensor(bias + added.reshape([outputs]))),
        ..conv
    }
}

/// `dense` of the normalised and flattened features as a dense layer of the features themselves.
pub(crate) fn fold_into_dense(norm: &BatchNorm, dense: Linear) -> Linear {
    let [inputs, outputs] = dense.weight.dims();
    let (scale, offset) = affine(norm);
    let [channels] = scale.dims();
    // Flattening leaves the pixels of a channel side by side.
    let by_input = |values: Tensor<1>| {
        values.reshape([channels, 1]).repeat_dim(1, inputs / channels).reshape([inputs, 1])
    };
    let weight = dense.weight.val();
    let added = (weight.clone() * by_input(offset)).sum_dim(0);
    let bias = dense.bias.as_ref().expect("every dense layer of the network has a bias").val();
    Linear {
        weight: Param::from_tensor(weight * by_input(scale)),
        bias: Some(Param::from_tensor(bias + added.reshape([outputs]))),
    }
}

/// What normalisation multiplies and adds, by the running statistics (Ioffe and Szegedy 2015, algorithm 2).
fn affine(norm: &BatchNorm) -> (Tensor<1>, Tensor<1>) {
    let deviation = (norm.running_var.value_sync() + norm.epsilon).sqrt();
    let scale = norm.gamma.val() / deviation;
    let offset = norm.beta.val() - norm.running_mean.value_sync() * scale.clone();
    (scale, offset)
}
