//! Losses and accuracies as a comparison measures, places and writes them.

use run::EpochMetrics;

use crate::text::{loss, percent};

/// Losses that are drawn: smaller ones lie on the lower edge, larger ones are left out.
const SMALLEST_LOSS: f64 = 1e-6;
const LARGEST_LOSS: f64 = 1e6;

/// The smallest part that is wrong: better accuracies lie on the upper edge.
const SMALLEST_ERROR: f64 = 1e-5;

/// What a panel shows.
#[derive(Clone, Copy)]
pub(super) enum Quantity {
    Loss,
    Accuracy,
}

impl Quantity {
    /// In training, and in validation where there is one.
    pub(super) fn of(self, row: &EpochMetrics) -> [Option<f64>; 2] {
        match self {
            Self::Loss => [Some(row.loss), row.val_loss],
            Self::Accuracy => [Some(row.accuracy), row.val_accuracy],
        }
    }

    /// What is put on the logarithmic axis: a loss, or the part that is wrong; `None` where it
    /// cannot be drawn.
    pub(super) fn measure(self, value: f64) -> Option<f64> {
        match self {
            Self::Loss => (0.0..=LARGEST_LOSS).contains(&value).then(|| value.max(SMALLEST_LOSS)),
            Self::Accuracy => {
                (0.0..=1.0).contains(&value).then(|| (1.0 - value).max(SMALLEST_ERROR))
            }
        }
    }

    /// Where a measure lies: up is more loss, or fewer errors.
    pub(super) fn height(self, measure: f64) -> f64 {
        match self {
            Self::Loss => measure.log10(),
            Self::Accuracy => -measure.log10(),
        }
    }

    /// The value in words.
    pub(super) fn write(self, value: f64) -> String {
        match self {
            Self::Loss => loss(value),
            Self::Accuracy => percent(value, 2),
        }
    }

    /// Title of its panel.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss in nats, on a logarithmic axis",
            Self::Accuracy => "Accuracy, its errors on a logarithmic axis",
        }
    }
}
