//! The convolutional network, from grey levels to logits.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::ops::Ops;

/// Height and width of the pictures the network takes, in pixels.
pub const INPUT_SIDE: usize = 28;
/// Side of the feature maps that reach the dense layers: two 3x3 convolutions take 4 pixels, pooling halves the rest.
const POOLED_SIDE: usize = (INPUT_SIDE - 4) / 2;
/// Keeps a data set of one single grey level from dividing by zero.
const STD_EPSILON: f64 = 1e-10;

/// What the network has to know besides its weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CnnConfig {
    /// Number of classes, the length of the logits.
    pub n_classes: usize,
    /// Mean grey level of the training pictures, in [0, 255].
    pub mean: f64,
    /// Population standard deviation of the training pictures' grey levels, in [0, 255].
    pub std: f64,
    /// Whether Burn's own operations compute on the CPU too, for comparison, and not kiln's kernels.
    pub burn_ops: bool,
}

/// The network: two convolutions, pooling, two dense layers; 1,199,882 parameters for ten classes.
///
/// It takes raw grey levels and standardises them itself, so that whoever runs it cannot forget to.
#[derive(Module, Debug)]
pub struct Cnn {
    /// Mean grey level that is subtracted, in [0, 255].
    pub mean: f64,
    /// Divisor of the centred grey levels, above 0.
    pub scale: f64,
    /// Whether Burn's own operations compute on every device.
    pub burn_ops: bool,
    /// 3x3, 1 to 32 channels; weights `[32, 1, 3, 3]`.
    pub conv1: Conv2d,
    /// 3x3, 32 to 64 channels; weights `[64, 32, 3, 3]`.
    pub conv2: Conv2d,
    /// 2x2, stride 2.
    pub pool: MaxPool2d,
    /// Drops a quarter of the pooled features while training.
    pub dropout1: Dropout,
    /// 9,216 to 128 features; weights `[9216, 128]`.
    pub dense1: Linear,
    /// Drops half of the features while training.
    pub dropout2: Dropout,
    /// 128 features to the classes; weights `[128, n_classes]`.
    pub dense2: Linear,
}

impl Cnn {
    /// A network with Glorot-uniform weights and zero biases, Keras's defaults (Glorot and Bengio 2010, equation 16).
    ///
    /// The weights follow from `seed` alone. Burn's random numbers are one stream for the whole process, so no other
    /// thread may draw from it during this call.
    #[must_use]
    pub fn new(config: &CnnConfig, seed: u64, device: &Device) -> Self {
        let glorot = Initializer::XavierUniform { gain: 1.0 };
        let conv = |channels| {
            let conv = Conv2dConfig::new(channels, [3, 3]).with_initializer(glorot.clone());
            Conv2d { bias: Some(zeros(channels[1], device)), ..conv.init(device) }
        };
        let dense = |d_input, d_output| {
            let dense = LinearConfig::new(d_input, d_output).with_initializer(glorot.clone());
            Linear { bias: Some(zeros(d_output, device)), ..dense.init(device) }
        };
        let cnn = Self {
            mean: config.mean,
            scale: config.std + STD_EPSILON,
            burn_ops: config.burn_ops,
            conv1: conv([1, 32]),
            conv2: conv([32, 64]),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout1: DropoutConfig::new(0.25).init(),
            dense1: dense(64 * POOLED_SIDE * POOLED_SIDE, 128),
            dropout2: DropoutConfig::new(0.5).init(),
            dense2: dense(128, config.n_classes),
        };
        // Parameters draw their values at first use, and clones share what was drawn. A record uses them all, here and
        // in a fixed order, which ties them to the seed and to nothing else.
        device.seed(seed);
        let _drawn = cnn.clone().into_record();
        cnn
    }

    /// Grey levels to logits; softmax over the last dimension turns logits into probabilities.
    ///
    /// Dropout acts on an autodiff device only, so `model.valid().forward(..)` is inference.
    ///
    /// # Shapes
    /// - `pixels`: `[batch, 1, 28, 28]`, grey levels in [0, 255], 0 is the background
    /// - output: `[batch, n_classes]`
    #[must_use]
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        let ops = if self.burn_ops { Ops::Burn } else { Ops::of(&pixels) };
        let x = self.standardise(pixels); //                          [batch,  1, 28, 28]
        let x = ops.conv_relu(&self.conv1, x); //                     [batch, 32, 26, 26]
        let x = ops.conv_relu_pool(&self.conv2, &self.pool, x); //    [batch, 64, 12, 12]
        let x = ops.dropout(&self.dropout1, x);
        let x = x.flatten(1, 3); //                                   [batch, 9216]
        let x = ops.dense_relu(&self.dense1, x); //                   [batch, 128]
        let x = ops.dropout(&self.dropout2, x);
        ops.dense(&self.dense2, x) //                                 [batch, n_classes]
    }

    /// Number of classes, the length of the logits.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.dense2.weight.dims()[1]
    }

    /// Zero mean and unit variance, by the statistics of the training pictures.
    fn standardise(&self, pixels: Tensor<4>) -> Tensor<4> {
        (pixels - self.mean) / self.scale
    }
}

fn zeros(len: usize, device: &Device) -> Param<Tensor<1>> {
    Initializer::Zeros.init([len], device)
}
