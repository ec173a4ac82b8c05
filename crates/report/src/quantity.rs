//! The two quantities that are plotted over the epochs.

use run::EpochMetrics;

use crate::numbers::{accuracy, loss};

/// What a panel shows over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Loss,
    Accuracy,
}

impl Quantity {
    /// Both, in the order in which panels stand.
    pub(crate) const BOTH: [Self; 2] = [Self::Loss, Self::Accuracy];

    /// In training, and in validation where there is any.
    pub(crate) const fn of(self, row: &EpochMetrics) -> [Option<f64>; 2] {
        match self {
            Self::Loss => [Some(row.loss), row.val_loss],
            Self::Accuracy => [Some(row.accuracy), row.val_accuracy],
        }
    }

    /// The value as text.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Loss => loss(value),
            Self::Accuracy => accuracy(value),
        }
    }
}
