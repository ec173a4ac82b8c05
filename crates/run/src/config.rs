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

/// Every setting that changes what a run computes. The defaults are the article's, but for the checkpoint: the article
/// keeps the last epoch, and kiln the best one, by validation.
///
/// What does not change the result (threads, the run's name, verbosity) is deliberately not here: two runs with equal
/// configurations have equal metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the pictures come from: `auto`, `mnist`, `synthetic`, or a directory. A finished run never holds `auto`,
    /// but what it resolved to.
    pub data: String,
    /// Part of the training pictures that is held out for validation, in (0, 1).
    pub val_fraction: f64,
    /// Seed of the split into training and validation, and of the pictures that `synthetic` draws.
    pub split_seed: u32,
    /// Whether training and validation keep the proportions of the classes exactly.
    pub stratify: bool,
    /// Uses only the first pictures of each part after the split, at most this many; 0 means all.
    pub limit: usize,
    /// Passes over the training pictures, at least 1.
    pub epochs: usize,
    /// Pictures a step, at least 1. The last, smaller batch of an epoch is kept.
    pub batch_size: usize,
    /// Adam's step size, above 0.
    pub learning_rate: f64,
    /// Seed of the initial weights, of the shuffling and of dropout.
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
            data: "auto".to_owned(),
            val_fraction: 0.3,
            split_seed: 42,
            stratify: false,
            limit: 0,
            epochs: 20,
            batch_size: 128,
            learning_rate: 1e-3,
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
        let refuse = |key, value: String, expected| Err(Error::Config { key, value, expected });
        if !(self.val_fraction > 0.0 && self.val_fraction < 1.0) {
            return refuse(
                "val_fraction",
                self.val_fraction.to_string(),
                "it must lie between 0 and 1, both excluded",
            );
        }
        if self.epochs == 0 {
            return refuse("epochs", "0".to_owned(), "it must be at least 1");
        }
        if self.batch_size == 0 {
            return refuse("batch_size", "0".to_owned(), "it must be at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return refuse(
                "learning_rate",
                self.learning_rate.to_string(),
                "it must be a finite number above 0",
            );
        }
        Ok(())
    }
}
