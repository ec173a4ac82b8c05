//! The stage that trains.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use run::{Config, DatasetFacts, Needs, RunDirectory};
use train::{Checkpoint, Data, Event, Outcome, Restored, Training};

use crate::device;
use crate::error::Result;
use crate::session::Session;
use crate::shown_images::augmented;

/// Trains the network of a run, from scratch or from `checkpoint`, and leaves `metrics.csv` and the checkpoints. Where
/// augmentation is on, `report/augmentation.png` shows some of its images before the first step.
///
/// When `stop` becomes true the current step is finished, or validation broken off, a checkpoint is written, and the function returns
/// [`Outcome::Interrupted`].
///
/// # Errors
/// [`Error::Train`](crate::Error::Train) where the loss diverges, a part has no images, the network needs more memory
/// than the machine has, or a file cannot be written; [`Error::Report`](crate::Error::Report).
pub fn train(
    session: &Session,
    checkpoint: Option<Checkpoint>,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    let Session { run, config, facts, images, .. } = session;
    let (train, val) = (&images.split.train, &images.split.val);
    let data = Data { examples: &images.dataset.train, train, val };
    let device = device();
    let shown = augmented(session);
    if !shown.is_empty() && checkpoint.is_none() {
        report::write_augmentation(&run.name(), facts, &shown, &run.report())?;
    }
    let training = Training { data, config, facts, run, device: &device };
    let checkpoint = match checkpoint {
        None if !config.training.from.is_empty() => {
            let runs = run.path.parent().unwrap_or(&run.path);
            Some(pretrained(runs, config, facts, &device)?)
        }
        checkpoint => checkpoint,
    };
    Ok(train::fit(&training, checkpoint, stop, on_event)?)
}

/// The state before the first step of a run in `runs` that starts from the weights of another.
fn pretrained(
    runs: &Path,
    config: &Config,
    facts: &DatasetFacts,
    device: &Device,
) -> Result<Checkpoint> {
    let trained = trained_run(runs, &config.training.from)?;
    Ok(Checkpoint::start_from(&trained, config, facts, device)?)
}

/// Whether a run in `runs` can start from the weights of the run that `config` names, if it names one.
///
/// # Errors
/// As [`inherited`]; [`Error::Train`](crate::Error::Train) where the networks differ.
pub(crate) fn check_pretrained(runs: &Path, config: &Config, facts: &DatasetFacts) -> Result<()> {
    if !config.training.from.is_empty() {
        pretrained(runs, config, facts, &device())?;
    }
    Ok(())
}

/// The selected checkpoint of a run.
fn trained_run(runs: &Path, name: &str) -> Result<Checkpoint> {
    let run = RunDirectory::find(runs, Some(name), Needs::Weights)?;
    let (config, facts) = (Config::read(&run.config())?, run::read_json(&run.dataset())?);
    Ok(Checkpoint::selected(&run, &config, &facts, &device())?)
}

/// The settings that a new run in `runs` has in common with the run `name`, from whose weights it starts: those of the
/// network and of its input, as key and value.
///
/// # Errors
/// [`Error::Run`](crate::Error::Run) where there is no such run, [`Error::Train`](crate::Error::Train) where it has no
/// checkpoint.
pub fn inherited(runs: &Path, name: &str) -> Result<Vec<(String, String)>> {
    Ok(trained_run(runs, name)?.config.inherited())
}

/// The newest intact checkpoint of a run, to resume from; none where it was killed before its first.
///
/// Writes the session's configuration to the run, as it applies from now on.
///
/// # Errors
/// [`Error::Train`](crate::Error::Train) where all checkpoints are damaged, or were made under settings that cannot
/// change during a run; the run's configuration is then as it was.
pub fn resume_point(session: &Session) -> Result<Option<Restored>> {
    let Session { run, config, facts, .. } = session;
    let restored = match Checkpoint::newest(run, config, facts, &device()) {
        Err(train::Error::NoCheckpoint { .. }) => None,
        restored => Some(restored?),
    };
    config.write(&run.config())?;
    Ok(restored)
}
