//! What a network depends on besides its weights.

use images::ImageShape;
use run::{Config, DatasetFacts, NetworkSettings};

/// Keeps a data set of a single grey level from dividing by zero.
const STD_EPSILON: f64 = 1e-10;

/// What a network depends on besides its weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkConfig {
    /// Which layers.
    pub settings: NetworkSettings,
    /// Number of classes: the length of the logits.
    pub n_classes: usize,
    /// Shape of every image.
    pub shape: ImageShape,
    /// Mean grey level of the training images, in [0, 255].
    pub mean: f64,
    /// Population standard deviation of the training images' grey levels, in [0, 255].
    pub std: f64,
    /// Whether Burn's own operations compute even where kiln's kernels could.
    pub burn_ops: bool,
}

impl NetworkConfig {
    /// The network that `config` asks for, over the images that `facts` describes.
    #[must_use]
    pub fn new(config: &Config, facts: &DatasetFacts) -> Self {
        Self {
            settings: config.network,
            n_classes: facts.classes.len(),
            shape: facts.shape,
            mean: facts.mean,
            std: facts.std,
            burn_ops: config.training.burn_ops,
        }
    }

    /// The article's network, over images of this shape and with these statistics.
    #[must_use]
    pub fn article(n_classes: usize, shape: ImageShape, mean: f64, std: f64) -> Self {
        let settings = Config::default().network;
        Self { settings, n_classes, shape, mean, std, burn_ops: false }
    }

    /// Divisor of the centred grey levels, above 0.
    pub(crate) fn scale(&self) -> f64 {
        self.std + STD_EPSILON
    }
}
