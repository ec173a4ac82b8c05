//! A deeper network for fewer multiplications: two blocks of convolutions, each pooled.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};

use crate::config::{INPUT_SIDE, NetworkConfig};
use crate::fold::{fold_into_conv, fold_into_dense};
use crate::layers::{conv, dense, drawn};
use crate::ops::Ops;

/// Convolutions before the first pooling.
const FIRST_BLOCK: usize = 2;

/// A block of two 3x3 convolutions and one of two or three, the second of twice the width, and two dense layers, after
/// Simonyan and Zisserman 2014, whose early blocks have two and whose late ones three. For ten classes, at width 32 and 256
/// hidden units, 329,962 parameters without normalisation at a depth of four, 252,202 at five, where fewer features
/// reach the dense layers.
///
/// Normalisation stands behind ReLU and pooling, as in Deotte's networks for MNIST: there it has a quarter of the pixels
/// to look at, and it folds into the layer that follows, which has no padding and so no border to get wrong.
#[derive(Module, Debug)]
pub struct Vgg {
    /// Mean grey level that is subtracted, in [0, 255].
    pub mean: f64,
    /// Divisor of the centred grey levels, above 0.
    pub scale: f64,
    /// Whether Burn's own operations compute on every device.
    pub burn_ops: bool,
    /// 3x3, 1 channel to `width`.
    pub conv1: Conv2d,
    /// 3x3, `width` to `width` channels.
    pub conv2: Conv2d,
    /// Over the first block's pooled features.
    pub norm1: Option<BatchNorm>,
    /// 3x3, to twice as many channels.
    pub conv3: Conv2d,
    /// Over the third convolution's features.
    pub norm2: Option<BatchNorm>,
    /// 3x3, as many channels again, at a depth of five.
    pub middle: Option<Conv2d>,
    /// Over the middle convolution's features.
    pub middle_norm: Option<BatchNorm>,
    /// 3x3, as many channels again.
    pub conv4: Conv2d,
    /// Over the second block's pooled features.
    pub norm3: Option<BatchNorm>,
    /// 2x2, stride 2, behind either block.
    pub pool: MaxPool2d,
    /// Drops pooled features while training.
    pub dropout1: Dropout,
    /// `2 * width * 16` to `hidden` features at a depth of four, `2 * width * 9` at five.
    pub dense1: Linear,
    /// Drops features while training.
    pub dropout2: Dropout,
    /// To the classes.
    pub dense2: Linear,
}

impl Vgg {
    /// A network with Glorot-uniform weights and zero biases, which follow from `seed` alone.
    ///
    /// Burn's random numbers are one stream for the whole process, so no other thread may draw from it during this call.
    #[must_use]
    pub fn new(config: &NetworkConfig, seed: u64, device: &Device) -> Self {
        let (narrow, wide, hidden) = (config.width, 2 * config.width, config.hidden);
        let norm =
            |channels| config.batch_norm.then(|| BatchNormConfig::new(channels).init(device));
        let has_middle = config.depth - FIRST_BLOCK > 2;
        let vgg = Self {
            mean: config.mean,
            scale: config.scale(),
            burn_ops: config.burn_ops,
            conv1: conv([1, narrow], device),
            conv2: conv([narrow, narrow], device),
            norm1: norm(narrow),
            conv3: conv([narrow, wide], device),
            norm2: norm(wide),
            middle: has_middle.then(|| conv([wide, wide], device)),
            middle_norm: norm(wide).filter(|_| has_middle),
            conv4: conv([wide, wide], device),
            norm3: norm(wide),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout1: DropoutConfig::new(config.conv_dropout).init(),
            dense1: dense(wide * pooled_side(config.depth).pow(2), hidden, device),
            dropout2: DropoutConfig::new(config.dense_dropout).init(),
            dense2: dense(hidden, config.n_classes, device),
        };
        drawn(vgg, seed, device)
    }

    /// Grey levels to logits, as [`Cnn::forward`](crate::Cnn::forward).
    ///
    /// # Shapes
    /// - `pixels`: `[batch, 1, 28, 28]`, grey levels in [0, 255], 0 is the background
    /// - output: `[batch, n_classes]`
    #[must_use]
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        let ops = if self.burn_ops { Ops::Burn } else { Ops::of(&pixels) };
        let x = (pixels - self.mean) / self.scale; //                 [batch,  1, 28, 28]
        let x = ops.conv_relu(&self.conv1, x); //                     [batch, 32, 26, 26] at width 32
        let x = ops.conv_relu_pool(&self.conv2, &self.pool, x); //    [batch, 32, 12, 12]
        let x = ops.batch_norm(self.norm1.as_ref(), x);
        let x = ops.conv_relu(&self.conv3, x); //                     [batch, 64, 10, 10]
        let x = ops.batch_norm(self.norm2.as_ref(), x);
        let x = match &self.middle {
            Some(middle) => ops.conv_relu(middle, x), //              [batch, 64,  8,  8]
            None => x,
        };
        let x = ops.batch_norm(self.middle_norm.as_ref(), x);
        let x = ops.conv_relu_pool(&self.conv4, &self.pool, x); //    [batch, 64,  4,  4], or 3, 3 at a depth of five
        let x = ops.batch_norm(self.norm3.as_ref(), x);
        let x = ops.dropout(&self.dropout1, x);
        let x = x.flatten(1, 3); //                                   [batch, 1024], or 576
        let x = ops.dense_relu(&self.dense1, x); //                   [batch, hidden]
        let x = ops.dropout(&self.dropout2, x);
        ops.dense(&self.dense2, x) //                                 [batch, n_classes]
    }

    /// The same function without normalisation, which is folded into the layers behind it; for inference alone.
    #[must_use]
    pub fn folded(mut self) -> Self {
        if let Some(norm) = self.norm1.take() {
            self.conv3 = fold_into_conv(&norm, self.conv3);
        }
        if let Some(norm) = self.norm2.take() {
            match self.middle.take() {
                Some(middle) => self.middle = Some(fold_into_conv(&norm, middle)),
                None => self.conv4 = fold_into_conv(&norm, self.conv4),
            }
        }
        if let Some(norm) = self.middle_norm.take() {
            self.conv4 = fold_into_conv(&norm, self.conv4);
        }
        if let Some(norm) = self.norm3.take() {
            self.dense1 = fold_into_dense(&norm, self.dense1);
        }
        self
    }
}

/// Side of the feature maps that reach the dense layers: every 3x3 convolution takes 2 pixels, pooling half.
fn pooled_side(depth: usize) -> usize {
    ((INPUT_SIDE - 2 * FIRST_BLOCK) / 2 - 2 * (depth - FIRST_BLOCK)) / 2
}
