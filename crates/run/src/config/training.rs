//! Settings: how long to train, on what target, and which epoch to keep.

use clap::{ArgAction, Args, ValueEnum};
use serde::Serialize;

use super::range::{count, fraction, number};

/// Which checkpoint is evaluated and exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// The epoch with the lowest validation loss
    Best,
    /// The last epoch, as in the article
    Last,
}

/// How much the classes weigh in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every image weighs the same
    None,
    /// Every class weighs the same, however few images it has: an image weighs n / (classes * images of its class)
    Balanced,
}

/// How long to train, on what target, and which epoch to keep.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Training")]
pub struct TrainingSettings {
    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count(1..=100_000_usize))]
    pub epochs: usize,
    /// Images a step; the last, smaller batch of an epoch is kept
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = count(1..=65_536_usize))]
    pub batch_size: usize,
    /// Label smoothing: fraction of every target spread over all classes (Szegedy and others 2016, section 7)
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = fraction)]
    pub label_smoothing: f64,
    /// Weights of the classes in the training loss; balanced is for classes with very different numbers of images
    #[arg(long, value_enum, default_value_t = ClassWeights::None)]
    pub class_weights: ClassWeights,
    // TOML's integers have 63 bits.
    /// Seed of initial weights, shuffling, augmentation and dropout
    #[arg(long, value_name = "SEED", default_value_t = 42,
        value_parser = count(0..=i64::MAX as u64))]
    pub seed: u64,
    /// Stop after N epochs without a lower validation loss; 0 means never
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0..=100_000_usize))]
    pub patience: usize,
    /// With --patience: a validation loss counts as lower if it is lower by more than this, in nats
    #[arg(long, value_name = "LOSS", default_value_t = 0.0, value_parser = number(0.0..=1e3))]
    pub min_delta: f64,
    /// Which epoch is evaluated and exported
    #[arg(long, value_enum, default_value_t = Selection::Best)]
    pub checkpoint: Selection,
    /// Compute with Burn's own operations instead of kiln's kernels, to compare: the same network, slower
    ///
    /// Results differ by rounding, and in the numbers that dropout drops.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub burn_ops: bool,
}
