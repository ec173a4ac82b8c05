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
#[derive(Args, Clone, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Training")]
pub struct TrainingSettings {
    /// Passes over the training images
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count(1..=100_000_usize))]
    pub epochs: usize,
    /// Train for more epochs than --epochs where these make fewer steps than N, so that few images are trained on enough
    ///
    /// The configuration of a run contains the number of epochs that this gave, and 0 here.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0..=10_000_000_usize))]
    pub min_steps: usize,
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
    /// Start from the weights of another run in the same folder, whose network and input this run then has; the last layer
    /// starts anew where the classes differ
    #[arg(long, value_name = "RUN", default_value = "")]
    pub from: String,
    /// With --from: train the last layer alone, for which a learning rate of 0.03 is good; normalisation follows the new
    /// images
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub freeze: bool,
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

impl TrainingSettings {
    /// The epochs over `n_images` training images: those asked for, or more where they would make too few steps.
    #[must_use]
    pub fn epochs_over(&self, n_images: usize) -> usize {
        let n_steps = n_images.div_ceil(self.batch_size).max(1);
        self.epochs.max(self.min_steps.div_ceil(n_steps))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn few_images_are_shown_more_often() {
        let training = crate::Config::default().training;
        let settings =
            super::TrainingSettings { epochs: 16, min_steps: 2000, batch_size: 64, ..training };
        // Seven steps an epoch.
        assert_eq!(settings.epochs_over(400), 286);
        assert_eq!(settings.epochs_over(50_000), 16);
        assert_eq!(settings.epochs_over(0), 2000);
    }
}
