//! Every setting of a run, with its default, in one struct.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::file::write_atomically;

/// Which checkpoint is evaluated and exported once training has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// The epoch with the lowest validation loss.
    Best,
    /// The last epoch, as the article has it.
    Last,
}

/// Which network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// The article's: two convolutions, pooling, two dense layers.
    Article,
    /// Two blocks of convolutions with pooling behind each, as in Simonyan and Zisserman 2014.
    Vgg,
}

/// How the step size changes over the run. Whatever the schedule, `learning_rate` is its highest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    Constant,
    /// After the warm-up it falls to its floor along half a cosine (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// It rises along half a cosine from a twenty-fifth during the warm-up, and falls to its floor along another (Smith
    /// and Topin 2018).
    OneCycle,
}

/// Every setting that changes what a run computes. The defaults are the article's, but for the checkpoint: the article
/// keeps the last epoch, and kiln the best one, by validation.
///
/// What does not change the result (threads, the run's name, verbosity) is deliberately not here: two runs with equal
/// configurations have equal metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the settings are called together; a label, which computes nothing.
    pub recipe: String,

    /// Where the pictures come from: `auto`, `mnist`, `synthetic`, or a directory. A finished run never holds `auto`,
    /// but what it resolved to.
    pub data: String,
    /// Part of the training pictures that is held out for validation, in [0, 1). At 0 all are trained on and nothing is
    /// validated.
    pub val_fraction: f64,
    /// Seed of the split into training and validation, and of the pictures that `synthetic` draws.
    pub split_seed: u32,
    /// Whether training and validation keep the proportions of the classes exactly.
    pub stratify: bool,
    /// Uses only the first pictures of each part after the split, at most this many; 0 means all.
    pub limit: usize,

    /// Largest rotation of a training picture either way, in degrees, in [0, 180].
    pub rotation: f64,
    /// Largest shift along each axis, in pixels, in [0, 14].
    pub shift: f64,
    /// Largest part by which each side grows or shrinks, in [0, 0.9].
    pub zoom: f64,
    /// Standard deviation of an elastic distortion's displacements, in pixels, in [0, 7].
    pub elastic: f64,

    /// Which network is trained.
    pub architecture: Architecture,
    /// Convolutions of `vgg`: two before the first pooling, and two or three behind it, so 4 or 5.
    pub depth: usize,
    /// Channels of the first convolution, at least 1; the later ones have twice as many.
    pub width: usize,
    /// Units of the dense layer before the last, at least 1.
    pub hidden: usize,
    /// Whether `vgg` normalises over the batch (Ioffe and Szegedy 2015).
    pub batch_norm: bool,
    /// Part of the features before the dense layers that is dropped in training, in [0, 1).
    pub conv_dropout: f64,
    /// Part of the dense layer's features that is dropped in training, in [0, 1).
    pub dense_dropout: f64,

    /// Passes over the training pictures, at least 1.
    pub epochs: usize,
    /// Pictures a step, at least 1. The last, smaller batch of an epoch is kept.
    pub batch_size: usize,
    /// Adam's step size at its highest, above 0.
    pub learning_rate: f64,
    /// How the step size changes over the run.
    pub schedule: Schedule,
    /// Part of `learning_rate` to which a falling schedule falls, in [0, 1].
    pub learning_rate_floor: f64,
    /// Epochs, or part of one, over which the step size rises at first, in [0, epochs].
    pub warmup_epochs: f64,
    /// Part of a weight that is taken off it in a step, times the step size, in [0, 1]; biases are left alone
    /// (AdamW, Loshchilov and Hutter 2019).
    pub weight_decay: f64,
    /// Part of every target that is spread over all classes, in [0, 1) (Szegedy and others 2016, section 7).
    pub label_smoothing: f64,
    /// Largest Euclidean norm of all gradients together; larger ones are scaled down to it. 0 means any (Pascanu and
    /// others 2013).
    pub gradient_clip: f64,
    /// Decay of the moving average of weights that is validated, tested and exported, in [0, 1); 0 means that the
    /// weights themselves are (Polyak and Juditsky 1992).
    pub average_decay: f64,
    /// Seed of the initial weights, of the shuffling, of the augmentation and of dropout.
    pub seed: u64,
    /// Stops after this many epochs without a lower validation loss; 0 means never.
    pub patience: usize,
    /// Which checkpoint is evaluated and exported.
    pub checkpoint: Selection,
    /// Whether Burn's own operations train and evaluate, for comparison, and not kiln's kernels. Results differ by
    /// rounding, and by which numbers dropout drops.
    pub burn_ops: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            recipe: "article".to_owned(),
            data: "auto".to_owned(),
            val_fraction: 0.3,
            split_seed: 42,
            stratify: false,
            limit: 0,
            rotation: 0.0,
            shift: 0.0,
            zoom: 0.0,
            elastic: 0.0,
            architecture: Architecture::Article,
            depth: 4,
            width: 32,
            hidden: 128,
            batch_norm: false,
            conv_dropout: 0.25,
            dense_dropout: 0.5,
            epochs: 20,
            batch_size: 128,
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            learning_rate_floor: 0.0,
            warmup_epochs: 0.0,
            weight_decay: 0.0,
            label_smoothing: 0.0,
            gradient_clip: 0.0,
            average_decay: 0.0,
            seed: 42,
            patience: 0,
            checkpoint: Selection::Best,
            burn_ops: false,
        }
    }
}

impl Config {
    /// Reads a TOML file; keys it leaves out keep their defaults.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Malformed`] with the line and the unknown or mistyped key, [`Error::Config`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let config = Self::from_toml(&text)
            .map_err(|reason| Error::Malformed { path: path.to_owned(), reason })?;
        config.check()?;
        Ok(config)
    }

    /// The configuration that TOML text describes; keys it leaves out keep their defaults.
    ///
    /// # Errors
    /// What is wrong with the text, with its line. Ranges are not checked, see [`check`](Self::check).
    pub fn from_toml(text: &str) -> std::result::Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Writes the configuration as TOML, atomically.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, self.to_toml().as_bytes())
    }

    /// The configuration as TOML text, one `key = value` a line.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a flat struct of numbers and strings always serialises")
    }

    /// Checks every value's range.
    ///
    /// # Errors
    /// [`Error::Config`] for the first value that is out of its range.
    pub fn check(&self) -> Result<()> {
        let part = |value: f64| (0.0..1.0).contains(&value);
        let within = |value: f64, most: f64| (0.0..=most).contains(&value);
        const PART: &str = "it must lie between 0 and 1, and may be 0";
        let validates = self.val_fraction > 0.0;
        let is_best = self.checkpoint == Selection::Best;
        for (key, value, holds, expected) in [
            ("val_fraction", self.val_fraction, part(self.val_fraction), PART),
            (
                "rotation",
                self.rotation,
                within(self.rotation, 180.0),
                "it must lie in 0 to 180 degrees",
            ),
            ("shift", self.shift, within(self.shift, 14.0), "it must lie in 0 to 14 pixels"),
            ("zoom", self.zoom, within(self.zoom, 0.9), "it must lie in 0 to 0.9"),
            ("elastic", self.elastic, within(self.elastic, 7.0), "it must lie in 0 to 7 pixels"),
            ("depth", self.depth as f64, matches!(self.depth, 4 | 5), "it must be 4 or 5"),
            ("width", self.width as f64, self.width > 0, "it must be at least 1"),
            ("hidden", self.hidden as f64, self.hidden > 0, "it must be at least 1"),
            ("conv_dropout", self.conv_dropout, part(self.conv_dropout), PART),
            ("dense_dropout", self.dense_dropout, part(self.dense_dropout), PART),
            ("epochs", self.epochs as f64, self.epochs > 0, "it must be at least 1"),
            ("batch_size", self.batch_size as f64, self.batch_size > 0, "it must be at least 1"),
            (
                "learning_rate",
                self.learning_rate,
                self.learning_rate > 0.0 && self.learning_rate.is_finite(),
                "it must be a finite number above 0",
            ),
            (
                "learning_rate_floor",
                self.learning_rate_floor,
                within(self.learning_rate_floor, 1.0),
                "it must lie in 0 to 1",
            ),
            (
                "warmup_epochs",
                self.warmup_epochs,
                within(self.warmup_epochs, self.epochs as f64),
                "it must lie between 0 and the number of epochs",
            ),
            (
                "weight_decay",
                self.weight_decay,
                within(self.weight_decay, 1.0),
                "it must lie in 0 to 1",
            ),
            (
                "weight_decay",
                self.weight_decay,
                self.weight_decay == 0.0 || !self.burn_ops,
                "Burn's own Adam, which burn_ops asks for, has none: it must be 0",
            ),
            ("label_smoothing", self.label_smoothing, part(self.label_smoothing), PART),
            (
                "gradient_clip",
                self.gradient_clip,
                within(self.gradient_clip, f64::MAX),
                "it must be a finite number, 0 or above",
            ),
            ("average_decay", self.average_decay, part(self.average_decay), PART),
            (
                "val_fraction",
                self.val_fraction,
                validates || !is_best,
                "without validation no epoch is the best: use checkpoint = \"last\"",
            ),
            (
                "patience",
                self.patience as f64,
                validates || self.patience == 0,
                "without validation it must be 0",
            ),
        ] {
            if !holds {
                return Err(Error::Config { key, value: value.to_string(), expected });
            }
        }
        Ok(())
    }
}
