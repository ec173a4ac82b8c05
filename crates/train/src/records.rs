//! What a checkpoint says, against what the run's other files say.
//!
//! A checkpoint has a checksum and was written at once; `config.toml`, `dataset.json` and `metrics.csv` are text that
//! anyone can change.

use std::path::{Path, PathBuf};

use run::{Config, DatasetFacts, EpochMetrics, RunDirectory, Schedule};

use crate::container::{Header, read_header};
use crate::error::{Error, Result};

/// Settings and facts.
type Origin<'a> = (&'a Config, &'a DatasetFacts);

/// Checks settings and facts of a run against its newest sound checkpoint, as resuming from it would. Without one there is
/// nothing to check against.
///
/// # Errors
/// [`Error::OtherConfiguration`], [`Error::FewerEpochs`].
pub fn check_settings(run: &RunDirectory, config: &Config, facts: &DatasetFacts) -> Result<()> {
    let Some((header, path)) = newest(run) else { return Ok(()) };
    check_resumable(&path, (&header.config, &header.facts), (config, facts))
}

/// Reads `metrics.csv`, and checks it, the settings and the facts of a run against its newest sound checkpoint. Without one
/// there is nothing to check against.
///
/// # Errors
/// [`Error::Run`] where the file cannot be read, [`Error::OtherConfiguration`], [`Error::OtherMetrics`].
pub fn checked_metrics(
    run: &RunDirectory,
    config: &Config,
    facts: &DatasetFacts,
) -> Result<Vec<EpochMetrics>> {
    // The checkpoint first: a run in training adds a row before it writes one, and so does one that was killed then.
    let newest = newest(run);
    let metrics = run::read_metrics(&run.metrics())?;
    let Some((header, path)) = newest else { return Ok(metrics) };
    check_same(&path, (&header.config, &header.facts), (config, facts))?;
    let rows = metrics.iter().map(Some).chain(std::iter::repeat(None));
    for (row, known) in rows.zip(&header.history) {
        if row.map(comparable) != Some(comparable(known)) {
            return Err(Error::OtherMetrics { path: run.metrics(), epoch: known.epoch });
        }
    }
    Ok(metrics)
}

/// The newest sound checkpoint of a run, without its tensors.
fn newest(run: &RunDirectory) -> Option<(Header, PathBuf)> {
    let candidates = [run.last_checkpoint(), run.previous_checkpoint(), run.best_checkpoint()];
    candidates.into_iter().find_map(|path| Some((read_header(&path).ok()?, path)))
}

/// Checks that what evaluation and export read belongs to the checkpoint at `path`.
pub(crate) fn check_same(path: &Path, theirs: Origin, ours: Origin) -> Result<()> {
    // Settings that may differ, since they don't change what an epoch computes; where images are is known by their hash.
    let mut same = ours.0.clone();
    same.recipe.clone_from(&theirs.0.recipe);
    same.data.data.clone_from(&theirs.0.data.data);
    same.training.patience = theirs.0.training.patience;
    same.training.min_delta = theirs.0.training.min_delta;
    same.training.checkpoint = theirs.0.training.checkpoint;
    if ours.0.optimizer.schedule == Schedule::Constant {
        same.training.epochs = theirs.0.training.epochs;
    }
    let difference = theirs.0.difference(&same).or_else(|| theirs.1.difference(ours.1));
    match difference {
        None => Ok(()),
        Some((key, planned, epochs)) if key == "epochs" => {
            Err(Error::PlannedEpochs { planned, epochs })
        }
        Some((key, theirs, ours)) => {
            Err(Error::OtherConfiguration { path: path.to_owned(), key, theirs, ours })
        }
    }
}

/// Checks that training may continue from the checkpoint at `path`.
pub(crate) fn check_resumable(path: &Path, theirs: Origin, ours: Origin) -> Result<()> {
    check_same(path, theirs, ours)?;
    let (planned, epochs) = (theirs.0.training.epochs, ours.0.training.epochs);
    if epochs < planned { Err(Error::FewerEpochs { planned, epochs }) } else { Ok(()) }
}

/// A row as both files have it: JSON has no infinite numbers.
fn comparable(row: &EpochMetrics) -> EpochMetrics {
    EpochMetrics { val_loss: row.val_loss.filter(|loss| loss.is_finite()), ..row.clone() }
}
