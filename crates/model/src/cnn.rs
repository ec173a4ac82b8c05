//! The article's network, from grey levels to logits.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};

use crate::config::{INPUT_SIDE, NetworkConfig};
use crate::layers::{conv, dense, drawn};
use crate::ops::Ops;

/// Side of the feature maps that reach the dense layers: two 3x3 convolutions take 4 pixels, pooling halves the rest.
const POOLED_SIDE: usize = (INPUT_SIDE - 4) / 2;
/// The network: two convolutions, pooling, two dense layers; 1,199,882 parameters for ten classes, at the article's
/// width.
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
    /// 3x3, 1 channel to `width`, 32 in the article; weights `[32, 1, 3, 3]`.
    pub conv1: Conv2d,
    /// 3x3, to twice as many channels; weights `[64, 32, 3, 3]`.
    pub conv2: Conv2d,
    /// 2x2, stride 2.
    pub pool: MaxPool2d,
    /// Drops pooled features while training, a quarter of them in the article.
    pub dropout1: Dropout,
    /// 9,216 to 128 features; weights `[9216, 128]`.
    pub dense1: Linear,
    /// Drops features while training, half of them in the article.
    pub dropout2: Dropout,
    /// 128 features to the classes; weights `[128, n_classes]`.
    pub dense2: Linear,
}

impl Cnn {
    /// A network with Glorot-uniform weights and zero biases, which follow from `seed` alone.
    ///
    /// Burn's random numbers are one stream for the whole process, so no other thread may draw from it during this call.
    #[must_use]
    pub fn new(config: &NetworkConfig, seed: u64, device: &Device) -> Self {
        let (width, hidden) = (config.width, config.hidden);
        let features = 2 * width * POOLED_SIDE * POOLED_SIDE;
        let cnn = Self {
            mean: config.mean,
            scale: config.scale(),
            burn_ops: config.burn_ops,
            conv1: conv([1, width], device),
            conv2: conv([width, 2 * width], device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout1: DropoutConfig::new(config.conv_dropout).init(),
            dense1: dense(features, hidden, device),
            dropout2: DropoutConfig::new(config.dense_dropout).init(),
            dense2: dense(hidden, config.n_classes, device),
        };
        drawn(cnn, seed, device)
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
