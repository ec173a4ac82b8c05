//! Layers as every network starts them: Keras's defaults.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

/// Glorot-uniform weights (Glorot and Bengio 2010, equation 16).
const GLOROT: Initializer = Initializer::XavierUniform { gain: 1.0 };

/// A 3x3 convolution from `channels[0]` to `channels[1]` channels, its bias zero.
pub(crate) fn conv(channels: [usize; 2], device: &Device) -> Conv2d {
    let conv = Conv2dConfig::new(channels, [3, 3]).with_initializer(GLOROT);
    Conv2d { bias: Some(zeros(channels[1], device)), ..conv.init(device) }
}

/// A dense layer, its bias zero.
pub(crate) fn dense(d_input: usize, d_output: usize, device: &Device) -> Linear {
    let dense = LinearConfig::new(d_input, d_output).with_initializer(GLOROT);
    Linear { bias: Some(zeros(d_output, device)), ..dense.init(device) }
}

/// `network` with its weights drawn from `seed`.
///
/// Parameters draw their values at first use, and clones share what was drawn. A record uses them all, here and in a
/// fixed order, which ties them to the seed and to nothing else.
pub(crate) fn drawn<M: Module>(network: M, seed: u64, device: &Device) -> M {
    device.seed(seed);
    let _drawn = network.clone().into_record();
    network
}

fn zeros(len: usize, device: &Device) -> Param<Tensor<1>> {
    Initializer::Zeros.init([len], device)
}
