//! The networks as lists of layers, and every kind of layer: one file each for how it is made, what it computes and costs.

mod average_pool;
mod batch_norm;
mod convolution;
mod dense;
mod dropout;
mod flatten;
mod global_average;
mod max_pool;
mod pad;
mod relu;

use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2d, MaxPool2d};
use burn::nn::{BatchNorm, Dropout, Initializer, Linear};
use burn::tensor::{Device, Tensor};
use images::ImageShape;
use run::{Architecture, NetworkSettings, Pooling};

use crate::config::NetworkConfig;
use crate::layer::{NewLayer, Operation};

pub(crate) use batch_norm::fold;
pub use convolution::PATCH_SIDE;
pub(crate) use convolution::{is_padded, with_filters};

use average_pool::average_pool;
use batch_norm::batch_norm;
use convolution::{conv, whitening};
use dense::dense;
use dropout::dropout;
use flatten::{Flatten, flatten};
use global_average::{GlobalAverage, global_average};
use max_pool::max_pool;
use pad::{Pad, pad};
use relu::{Relu, relu};

/// The layers of the network that `config` describes, from the standardised image to the logits.
pub(crate) fn layers(config: &NetworkConfig) -> Vec<NewLayer> {
    let NetworkConfig { settings, n_classes, shape, .. } = config;
    match settings.architecture {
        Architecture::Article => article(settings, *n_classes),
        Architecture::Vgg => vgg(settings, *n_classes),
        Architecture::Blocks => blocks(settings, *n_classes, *shape),
    }
}

/// The article's network. For 28x28 grey levels and ten classes, at the article's width of 32 and 128 hidden units, it
/// has 1,199,882 parameters.
fn article(settings: &NetworkSettings, n_classes: usize) -> Vec<NewLayer> {
    let NetworkSettings { width, hidden, conv_dropout, dense_dropout, .. } = *settings;
    vec![
        conv(width),
        relu(),
        conv(2 * width),
        relu(),
        pool(settings),
        dropout(conv_dropout),
        flatten(),
        dense(hidden),
        relu(),
        dropout(dense_dropout),
        dense(n_classes),
    ]
}

/// Two blocks of convolutions, each pooled, the second twice as wide: a deeper network than the article's for fewer
/// multiplications (after Simonyan and Zisserman 2014). For 28x28 grey levels and ten classes, at a width of 32 and 256
/// hidden units, it has 329,962 parameters without normalisation at a depth of four, and 252,202 at five.
///
/// Normalisation comes after ReLU and pooling, as in Deotte's networks for MNIST: there it covers a quarter of the
/// pixels, and it folds exactly into the layer after it, which has no padding.
fn vgg(settings: &NetworkSettings, n_classes: usize) -> Vec<NewLayer> {
    let NetworkSettings { width, hidden, conv_dropout, dense_dropout, .. } = *settings;
    let norm = || settings.batch_norm.then(batch_norm);
    let mut layers = vec![conv(width), relu(), conv(width), relu(), pool(settings)];
    layers.extend(norm());
    layers.extend([conv(2 * width), relu()]);
    layers.extend(norm());
    if settings.depth > 4 {
        // Not `conv4`, so that `conv4` is the last convolution at either depth.
        layers.extend([conv(2 * width).named("middle"), relu()]);
        layers.extend(norm());
    }
    layers.extend([conv(2 * width), relu(), pool(settings)]);
    layers.extend(norm());
    layers.extend([
        dropout(conv_dropout),
        flatten(),
        dense(hidden),
        relu(),
        dropout(dense_dropout),
        dense(n_classes),
    ]);
    layers
}

/// A padded convolution, and blocks of two more, the first of them pooled; each block has twice the channels of the one
/// before, up to sixteen times those of the first convolution. Then the mean of every channel, so that the dense layer
/// stays small whatever the size of the images.
///
/// The convolutions that widen are those that are pooled: their backward pass needs a quarter of the gradients, and the
/// one after has a quarter of the pixels (the order of layers of Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds").
///
/// As in [`vgg`], normalisation comes after ReLU and pooling. It also comes after the padding, so that it folds exactly
/// into the convolution after it.
fn blocks(settings: &NetworkSettings, n_classes: usize, image: ImageShape) -> Vec<NewLayer> {
    let side = image.height.min(image.width);
    let most = (1..=MOST_BLOCKS).take_while(|n| side >> n >= LEAST_SIDE).count().max(1);
    let n_blocks = if settings.blocks == 0 { most } else { settings.blocks };
    let first = if settings.whiten { whitening() } else { conv(settings.width) };
    let mut layers = vec![pad(), first, relu()];
    for block in 1..=n_blocks {
        let channels = settings.width << block.min(4);
        layers.push(pad());
        // What whitening gives is normalised already.
        layers.extend((block > 1 || !settings.whiten).then(batch_norm));
        layers.extend([conv(channels), relu(), pool(settings)]);
        layers.extend([pad(), batch_norm(), conv(channels), relu()]);
    }
    layers.extend([batch_norm(), global_average(), flatten()]);
    layers.extend([dropout(settings.conv_dropout), dense(n_classes)]);
    layers
}

/// The pooling that `settings` ask for.
fn pool(settings: &NetworkSettings) -> NewLayer {
    match settings.pooling {
        Pooling::Max => max_pool(),
        Pooling::Average => average_pool(),
    }
}

/// Every kind of layer. [`fuse`](crate::fuse) relies on how the files here make them.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a network has about ten of them")]
pub(crate) enum Layer {
    Convolution(Conv2d),
    Relu(Relu),
    MaxPool(MaxPool2d),
    AveragePool(AvgPool2d),
    BatchNorm(BatchNorm),
    Dropout(Dropout),
    Flatten(Flatten),
    GlobalAverage(GlobalAverage),
    Pad(Pad),
    Dense(Linear),
}

impl Layer {
    pub(crate) fn operation(&self) -> &dyn Operation {
        match self {
            Self::Convolution(layer) => layer,
            Self::Relu(layer) => layer,
            Self::MaxPool(layer) => layer,
            Self::AveragePool(layer) => layer,
            Self::BatchNorm(layer) => layer,
            Self::Dropout(layer) => layer,
            Self::Flatten(layer) => layer,
            Self::GlobalAverage(layer) => layer,
            Self::Pad(layer) => layer,
            Self::Dense(layer) => layer,
        }
    }
}

/// The most blocks of [`blocks`] where the number is left open, and the least side that they leave, in pixels.
const MOST_BLOCKS: usize = 5;
const LEAST_SIDE: usize = 3;

/// Glorot-uniform weights, Keras's default (Glorot and Bengio 2010, equation 16).
const GLOROT: Initializer = Initializer::XavierUniform { gain: 1.0 };

/// Biases as every layer starts with them, Keras's default.
fn zeros(len: usize, device: &Device) -> Param<Tensor<1>> {
    Initializer::Zeros.init([len], device)
}
