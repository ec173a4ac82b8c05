//! The network's layers as single operations: kiln's kernels where they can run, Burn's own operations elsewhere.
//!
//! Kernels run on the CPU, which is Burn's `flex` device, differentiable or not. Any other device gets Burn's operations,
//! and so does the one that traces the network for ONNX: what is exported is made of standard operators.

mod batch_norm;
mod convolution;
mod dense;
mod differentiable;
mod dropout;

use burn::backend::DispatchDevice;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Dropout, Linear};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, GradientCheckpointingStrategy, Tensor};

pub use differentiable::in_one_piece;

/// Which operations run a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ops {
    /// kiln's kernels.
    Kernels,
    /// Burn's own.
    Burn,
}

impl Ops {
    /// Kernels where the device of `input` can run them.
    pub(crate) fn of(input: &Tensor<4>) -> Self {
        if is_flex(&input.device()) && input.dtype() == DType::F32 {
            Self::Kernels
        } else {
            Self::Burn
        }
    }

    /// Convolution and ReLU. `conv` has 3x3 filters, stride 1, no padding, and a bias.
    ///
    /// # Shapes
    /// - `x`: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, height - 2, width - 2]`
    pub(crate) fn conv_relu(self, conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Kernels => convolution::conv_relu(conv, x),
            Self::Burn => relu(conv.forward(x)),
        }
    }

    /// Convolution, ReLU and max-pooling. `conv` is as in [`conv_relu`](Self::conv_relu), `pool` is 2x2 with stride 2.
    ///
    /// # Shapes
    /// - `x`: `[batch, channels_in, height, width]`
    /// - output: `[batch, channels_out, (height - 2) / 2, (width - 2) / 2]`
    pub(crate) fn conv_relu_pool(self, conv: &Conv2d, pool: &MaxPool2d, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Kernels => convolution::conv_relu_pool(conv, x),
            Self::Burn => pool.forward(relu(conv.forward(x))),
        }
    }

    /// A dense layer and ReLU.
    ///
    /// # Shapes
    /// - `x`: `[batch, features in]`, output: `[batch, features out]`
    pub(crate) fn dense_relu(self, layer: &Linear, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Kernels => dense::dense(layer, true, x),
            Self::Burn => relu(layer.forward(x)),
        }
    }

    /// A dense layer.
    ///
    /// # Shapes
    /// - `x`: `[batch, features in]`, output: `[batch, features out]`
    pub(crate) fn dense(self, layer: &Linear, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Kernels => dense::dense(layer, false, x),
            Self::Burn => layer.forward(x),
        }
    }

    /// Batch normalisation, by the batch's statistics on an autodiff device and by the running ones elsewhere; none is the
    /// identity.
    ///
    /// # Shapes
    /// - `x`, output: `[batch, channels, height, width]`
    pub(crate) fn batch_norm(self, norm: Option<&BatchNorm>, x: Tensor<4>) -> Tensor<4> {
        match (norm, self) {
            (None, _) => x,
            (Some(norm), Self::Kernels) if x.is_autodiff() => batch_norm::batch_norm(norm, x),
            (Some(norm), _) => norm.forward(x),
        }
    }

    /// Dropout, which acts on an autodiff device alone.
    pub(crate) fn dropout<const D: usize>(self, dropout: &Dropout, x: Tensor<D>) -> Tensor<D> {
        let drops = x.is_autodiff() && dropout.prob > 0.0 && dropout.prob < 1.0;
        match self {
            Self::Kernels if drops => dropout::dropout(dropout.prob, x),
            _ => dropout.forward(x),
        }
    }
}

/// Whether tensors of `device` lie in this process's memory, as `flex` has them.
///
/// With gradient checkpointing autodiff has another type, which the kernels' operations don't have.
fn is_flex(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(device) => {
            device.gradient_checkpointing_strategy() == GradientCheckpointingStrategy::Disabled
                && matches!(device.clone().inner(), DispatchDevice::Flex(_))
        }
        _ => false,
    }
}
