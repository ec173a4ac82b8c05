//! What a network has to know besides its weights.

use run::Architecture;

/// Height and width of the pictures a network takes, in pixels.
pub const INPUT_SIDE: usize = 28;
/// Keeps a data set of one single grey level from dividing by zero.
const STD_EPSILON: f64 = 1e-10;

/// What a network has to know besides its weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkConfig {
    /// Number of classes, the length of the logits.
    pub n_classes: usize,
    /// Mean grey level of the training pictures, in [0, 255].
    pub mean: f64,
    /// Population standard deviation of the training pictures' grey levels, in [0, 255].
    pub std: f64,
    /// Which network.
    pub architecture: Architecture,
    /// Convolutions of [`Vgg`](crate::Vgg), 4 or 5.
    pub depth: usize,
    /// Channels of the first convolution, at least 1.
    pub width: usize,
    /// Units of the dense layer before the last, at least 1.
    pub hidden: usize,
    /// Whether [`Vgg`](crate::Vgg) normalises over the batch.
    pub batch_norm: bool,
    /// Part of the features before the dense layers that is dropped in training, in [0, 1).
    pub conv_dropout: f64,
    /// Part of the dense layer's features that is dropped in training, in [0, 1).
    pub dense_dropout: f64,
    /// Whether Burn's own operations compute on the CPU too, for comparison, and not kiln's kernels.
    pub burn_ops: bool,
}

impl NetworkConfig {
    /// The network that `config` asks for, over pictures with these statistics.
    #[must_use]
    pub fn new(config: &run::Config, n_classes: usize, mean: f64, std: f64) -> Self {
        Self {
            n_classes,
            mean,
            std,
            architecture: config.architecture,
            depth: config.depth,
            width: config.width,
            hidden: config.hidden,
            batch_norm: config.batch_norm,
            conv_dropout: config.conv_dropout,
            dense_dropout: config.dense_dropout,
            burn_ops: config.burn_ops,
        }
    }

    /// The article's network, over pictures with these statistics.
    #[must_use]
    pub fn article(n_classes: usize, mean: f64, std: f64) -> Self {
        Self::new(&run::Config::default(), n_classes, mean, std)
    }

    /// Divisor of the centred grey levels, above 0.
    pub(crate) fn scale(&self) -> f64 {
        self.std + STD_EPSILON
    }
}
