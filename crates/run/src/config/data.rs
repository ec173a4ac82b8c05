//! Settings: which images, and how they are split.

use clap::{ArgAction, Args, ValueEnum};
use images::Preparation;
use serde::Serialize;

use super::range::{count, fraction};

/// How images become the network's input, in training and in serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// digit where the classes or the images are digits as MNIST has them, else stretch
    Auto,
    /// Find the digit, scale it and centre it as in MNIST
    Digit,
    /// Keep the grey levels, and scale the image to the network's size
    Stretch,
}

impl Prepare {
    /// The preparation, unless it is left open.
    #[must_use]
    pub const fn chosen(self) -> Option<Preparation> {
        match self {
            Self::Auto => None,
            Self::Digit => Some(Preparation::Digit),
            Self::Stretch => Some(Preparation::Stretch),
        }
    }
}

impl From<Preparation> for Prepare {
    fn from(preparation: Preparation) -> Self {
        match preparation {
            Preparation::Digit => Self::Digit,
            Preparation::Stretch => Self::Stretch,
        }
    }
}

/// Which images, and how they are split.
#[derive(Args, Clone, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Data")]
pub struct DataSettings {
    /// auto, mnist, synthetic, or a folder of IDX files or of train/CLASS/*.png and test/CLASS/*.png. auto takes
    /// KILN_DATA, else the cache, else a download, else synthetic digits
    ///
    /// The configuration of a run contains what `auto` resolved to, never `auto` itself.
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub data: String,
    /// How images become the network's input; it is stored in the model
    ///
    /// The configuration of a run contains what `auto` resolved to, never `auto` itself.
    #[arg(long, value_enum, default_value_t = Prepare::Auto)]
    pub prepare: Prepare,
    /// Fraction of the training images held out for validation; 0 trains on all and validates nothing
    #[arg(long, value_name = "FRACTION", default_value_t = 0.3, value_parser = fraction)]
    pub val_fraction: f64,
    /// Seed of the split (scikit-learn's train_test_split) and of synthetic digits
    #[arg(long, value_name = "SEED", default_value_t = 42, value_parser = count(0..=u32::MAX))]
    pub split_seed: u32,
    /// Keep the proportions of the classes exactly in training and validation
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub stratify: bool,
    /// Use at most N images of each part, drawn at random by the split seed; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0..=100_000_000_usize))]
    pub limit: usize,
}
