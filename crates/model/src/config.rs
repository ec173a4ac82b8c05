//! What a network depends on besides its weights.

use images::ImageShape;
use run::{Config, DatasetFacts, NetworkSettings};

/// Red, green and blue.
pub(crate) const MAX_CHANNELS: usize = 3;
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
    /// Mean level of each channel of the training images, in [0, 255]; those beyond the shape's channels mean nothing.
    pub mean: [f64; MAX_CHANNELS],
    /// Population standard deviation of the training images' levels, likewise.
    pub std: [f64; MAX_CHANNELS],
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
            mean: std::array::from_fn(|channel| facts.mean.get(channel).copied().unwrap_or(0.0)),
            std: std::array::from_fn(|channel| facts.std.get(channel).copied().unwrap_or(1.0)),
            burn_ops: config.training.burn_ops,
        }
    }

    /// The article's network, over images of this shape and with these statistics of every channel.
    #[must_use]
    pub fn article(n_classes: usize, shape: ImageShape, mean: f64, std: f64) -> Self {
        let settings = Config::default().network;
        let (mean, std) = ([mean; MAX_CHANNELS], [std; MAX_CHANNELS]);
        Self { settings, n_classes, shape, mean, std, burn_ops: false }
    }

    /// Divisors of the centred levels, above 0.
    pub(crate) fn scale(&self) -> [f64; MAX_CHANNELS] {
        self.std.map(|std| std + STD_EPSILON)
    }
}
