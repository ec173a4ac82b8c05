//! One of the networks.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use run::Architecture;

use crate::cnn::Cnn;
use crate::config::NetworkConfig;
use crate::vgg::Vgg;

/// One of the networks, which all take grey levels `[batch, 1, 28, 28]` and give logits `[batch, n_classes]`.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, and its weights are elsewhere"
)]
pub enum Network {
    /// The article's.
    Article(Cnn),
    /// Blocks of convolutions.
    Vgg(Vgg),
}

impl Network {
    /// The network that `config` names, its weights drawn from `seed` alone.
    ///
    /// Burn's random numbers are one stream for the whole process, so no other thread may draw from it during this call.
    #[must_use]
    pub fn new(config: &NetworkConfig, seed: u64, device: &Device) -> Self {
        match config.architecture {
            Architecture::Article => Self::Article(Cnn::new(config, seed, device)),
            Architecture::Vgg => Self::Vgg(Vgg::new(config, seed, device)),
        }
    }

    /// Grey levels to logits; softmax over the last dimension turns logits into probabilities.
    ///
    /// Dropout and batch statistics act on an autodiff device only, so `network.valid().forward(..)` is inference.
    ///
    /// # Shapes
    /// - `pixels`: `[batch, 1, 28, 28]`, grey levels in [0, 255], 0 is the background
    /// - output: `[batch, n_classes]`
    #[must_use]
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Article(cnn) => cnn.forward(pixels),
            Self::Vgg(vgg) => vgg.forward(pixels),
        }
    }

    /// Number of classes, the length of the logits.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        let last = match self {
            Self::Article(cnn) => &cnn.dense2,
            Self::Vgg(vgg) => &vgg.dense2,
        };
        last.weight.dims()[1]
    }

    /// The first convolution, whose filters look at the picture itself.
    #[must_use]
    pub fn first_convolution(&self) -> &Conv2d {
        match self {
            Self::Article(cnn) => &cnn.conv1,
            Self::Vgg(vgg) => &vgg.conv1,
        }
    }

    /// Where the weights are.
    #[must_use]
    pub fn device(&self) -> Device {
        self.first_convolution().weight.device()
    }
}
