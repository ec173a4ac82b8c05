//! What can go wrong in training.

use std::path::PathBuf;

/// The result of a training stage.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the run could not be read or written.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// There is no checkpoint to continue from.
    #[error("{} contains no checkpoint: train the run first", path.display())]
    NoCheckpoint {
        /// The folder of checkpoints.
        path: PathBuf,
    },
    /// A checkpoint could not be used, and no earlier one either.
    #[error("checkpoint {} is damaged ({reason}): restore it from a copy, or train again into another run", path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint has the layout of an earlier version.
    #[error("checkpoint {} was made by an earlier version of kiln: train again, into another run", path.display())]
    EarlierVersion {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The network cannot be made.
    #[error(transparent)]
    Network(#[from] model::Error),
    /// Training is expected to need more memory than there is.
    #[error(
        "training this network needs about {:.1} GB of memory, and {:.1} GB are available: lower --width, --hidden or \
         --batch-size",
        *needed as f64 / 1e9, *available as f64 / 1e9
    )]
    Memory {
        /// The estimate, in bytes.
        needed: u64,
        /// What a program can get without swapping, in bytes.
        available: u64,
    },
    /// A checkpoint was written under another configuration.
    #[error(
        "checkpoint {} was trained with {key} = {theirs}, and the run now says {ours}: leave out the flag that changes \
         it, restore the run's config.toml and dataset.json, or start another run",
        path.display()
    )]
    OtherConfiguration {
        /// The checkpoint.
        path: PathBuf,
        /// The first setting that differs.
        key: String,
        /// Its value in the checkpoint.
        theirs: String,
        /// The requested value.
        ours: String,
    },
    /// A resumed run was given other epochs, and its learning rate was planned for as many as it has.
    #[error(
        "the learning rate of the run falls over {planned} epochs, so it cannot have {epochs}: leave --epochs out, or start \
         another run --from it"
    )]
    PlannedEpochs {
        /// Epochs of the run.
        planned: String,
        /// Epochs that were asked for.
        epochs: String,
    },
    /// A resumed run was given fewer epochs than it has.
    #[error(
        "the run has {planned} epochs, and a resumed run can have more, not {epochs}: start another run"
    )]
    FewerEpochs {
        /// Epochs of the run.
        planned: usize,
        /// Epochs that were requested.
        epochs: usize,
    },
    /// `metrics.csv` is not what training wrote.
    #[error(
        "{} does not say of epoch {epoch} what the checkpoint says: restore it from a copy, or let `train --resume` \
         write it again",
        path.display()
    )]
    OtherMetrics {
        /// The file.
        path: PathBuf,
        /// The first epoch that differs, counted from 1.
        epoch: usize,
    },
    /// Whoever watches asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// A part of the data is empty.
    #[error(
        "there are no {part} images: choose a larger data set, or another val_fraction or limit"
    )]
    Empty {
        /// `training`, `validation` or `test`.
        part: &'static str,
    },
    /// The loss is infinite or not a number.
    #[error(
        "the loss became {loss} in epoch {epoch}, step {step}: lower the learning rate ({learning_rate})"
    )]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// Counted from 0.
        step: usize,
        /// The loss, NaN or infinite.
        loss: f64,
        /// The learning rate that was used.
        learning_rate: f64,
    },
}
