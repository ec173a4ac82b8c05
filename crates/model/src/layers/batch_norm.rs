//! Batch normalisation of feature maps (Ioffe and Szegedy 2015), and how it folds into the layer after it.

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, BatchNormConfig, Linear};
use burn::tensor::Tensor;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Attribute, Operator, Weights};
use crate::shape::{Activations, Shape};

/// Batch normalisation: by the batch's statistics on an autodiff device, by the running ones elsewhere.
pub(crate) fn batch_norm() -> NewLayer {
    NewLayer::new(|input, device| {
        Layer::BatchNorm(BatchNormConfig::new(input.channels()).init(device))
    })
}

impl Operation for BatchNorm {
    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn label(&self) -> String {
        "BatchNorm".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        matches!(input, Shape::Maps(_)).then_some(input)
    }

    fn parameters(&self) -> usize {
        self.gamma.lazy_shape()[0].saturating_mul(2)
    }

    fn operator(&self) -> Option<Operator> {
        Some(Operator {
            op_type: "BatchNormalization",
            attributes: vec![("epsilon", Attribute::Float(self.epsilon as f32))],
            weights: vec![
                Weights::new("scale", self.gamma.val()),
                Weights::new("bias", self.beta.val()),
                Weights::new("mean", self.running_mean.value_sync()),
                Weights::new("variance", self.running_var.value_sync()),
            ],
        })
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Maps(self.forward(x.maps()))
    }
}

/// The layer `next`, and `norm` before it, as one layer; `None` where they are not one. Between the two there may be
/// dropout, which does nothing in inference, and flattening.
pub(crate) fn fold(norm: &BatchNorm, next: &Layer) -> Option<Layer> {
    match next {
        Layer::Convolution(conv) => Some(Layer::Convolution(fold_into_conv(norm, conv.clone()))),
        Layer::Dense(dense) => Some(Layer::Dense(fold_into_dense(norm, dense.clone()))),
        _ => None,
    }
}

/// `conv` of the normalised features as a convolution of the features themselves. This is exact as `conv` has no
/// padding.
fn fold_into_conv(norm: &BatchNorm, conv: Conv2d) -> Conv2d {
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
fn fold_into_dense(norm: &BatchNorm, dense: Linear) -> Linear {
    let [inputs, outputs] = dense.weight.dims();
    let (scale, offset) = affine(norm);
    let [channels] = scale.dims();
    // Flattening puts the pixels of a channel side by side.
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

/// Factor and offset of each channel, by the running statistics (Ioffe and Szegedy 2015, algorithm 2).
fn affine(norm: &BatchNorm) -> (Tensor<1>, Tensor<1>) {
    let deviation = (norm.running_var.value_sync() + norm.epsilon).sqrt();
    let scale = norm.gamma.val() / deviation;
    let offset = norm.beta.val() - norm.running_mean.value_sync() * scale.clone();
    (scale, offset)
}
