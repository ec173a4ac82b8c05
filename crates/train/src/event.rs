//! What training reports to a front end.

use run::EpochMetrics;

/// Progress of training, for a progress bar or a log.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step is finished.
    Step {
        /// Counted from 1.
        epoch: usize,
        /// Steps finished in this epoch.
        step: usize,
        /// Steps of a whole epoch.
        n_steps: usize,
        /// Mean loss of the epoch so far, in nats.
        loss: f64,
        /// Accuracy of the epoch so far, in [0, 1].
        accuracy: f64,
    },
    /// A part of the validation images is classified.
    Validation {
        /// Counted from 1.
        epoch: usize,
        /// Images classified so far.
        done: usize,
        /// Validation images.
        total: usize,
    },
    /// An epoch is finished and its row is in `metrics.csv`.
    Epoch {
        /// The row.
        metrics: &'a EpochMetrics,
        /// Whether its validation loss is the lowest so far.
        best: bool,
    },
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are finished.
    Finished,
    /// The validation loss had not fallen for `patience` epochs.
    StoppedEarly,
    /// `stop` was set; a checkpoint holds everything up to the last step.
    Interrupted,
}
