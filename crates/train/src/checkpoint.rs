//! Checkpoints: everything a run needs to continue, in one file that is complete or does not exist.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use model::{Network, NetworkConfig};
use run::{Config, DatasetFacts, EpochMetrics, RunDirectory};
use serde::{Deserialize, Serialize};

use crate::container::{read, write};
use crate::error::{Error, Result};
use crate::fit::Data;
use crate::optimizer::optimizer;
use crate::records::{check_resumable, check_same};
use crate::whiten::whitened;

/// The state of training after some step.
#[derive(Clone)]
pub struct Checkpoint {
    /// The network in training, on an autodiff device.
    pub model: Network,
    /// The moving average of its weights, an inference model; none where `average_decay` is 0.
    pub average: Option<Network>,
    /// The optimiser with all that it remembers.
    pub optimizer: ModuleOptimizer,
    /// The configuration the state was reached with.
    pub config: Config,
    /// What the images are. With the configuration it determines the network, its classes and how it standardises.
    pub facts: DatasetFacts,
    /// The rows of all finished epochs, in order.
    pub history: Vec<EpochMetrics>,
    /// Sums over the epoch that is not finished.
    pub epoch: Epoch,
}

/// Sums over the finished steps of an unfinished epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Finished steps.
    pub step: usize,
    /// Images of these steps.
    pub seen: usize,
    /// Sum of the losses of these images, in nats.
    pub loss_sum: f64,
    /// Images classified correctly.
    pub n_correct: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// A checkpoint that was read back.
pub struct Restored {
    /// The state.
    pub checkpoint: Checkpoint,
    /// The file it was read from.
    pub path: PathBuf,
    /// Why the newest checkpoint was passed over for an earlier one; none where it was not.
    pub notice: Option<String>,
}

impl Epoch {
    pub(crate) fn loss(&self) -> f64 {
        self.loss_sum / self.seen as f64
    }

    pub(crate) fn accuracy(&self) -> f64 {
        self.n_correct as f64 / self.seen as f64
    }
}

impl Checkpoint {
    /// The state before the first step, on `device` with autodiff.
    ///
    /// # Errors
    /// [`Error::Network`] for images of which the network's layers leave nothing.
    pub fn start(config: &Config, facts: &DatasetFacts, device: &Device) -> Result<Self> {
        let network = NetworkConfig::new(config, facts);
        let model = Network::new(&network, config.training.seed, &device.clone().autodiff())?;
        Ok(Self {
            average: (config.optimizer.average_decay > 0.0).then(|| model.valid()),
            model,
            optimizer: optimizer(config),
            config: config.clone(),
            facts: facts.clone(),
            history: Vec::new(),
            epoch: Epoch::default(),
        })
    }

    /// The same state with a first convolution that whitens the images, where the settings ask for one.
    pub(crate) fn whitened(self, data: Data) -> Self {
        if !self.config.network.whiten {
            return self;
        }
        let model = whitened(self.model, data.examples, data.train);
        Self { average: self.average.map(|_| model.valid()), model, ..self }
    }

    /// [`start`](Self::start) from the weights of another run: of all layers but the last, and of that too where the classes
    /// are the same.
    ///
    /// # Errors
    /// As [`start`](Self::start); [`Error::Network`] also where the layers differ.
    pub fn start_from(
        trained: &Self,
        config: &Config,
        facts: &DatasetFacts,
        device: &Device,
    ) -> Result<Self> {
        let new = Self::start(config, facts, device)?;
        let head = trained.facts.classes == facts.classes;
        let model = new.model.with_weights_of(trained.network(), head)?;
        Ok(Self { average: new.average.map(|_| model.valid()), model, ..new })
    }

    /// What is validated, tested and exported: the moving average, else the network itself, as an inference model.
    #[must_use]
    pub fn network(&self) -> Network {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    /// Reads the checkpoint that evaluation and export use, `last` or `best`, onto `device`. The checkpoint's own
    /// settings and facts make the network; `config` and `facts`, which the run's other files say, must agree.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`], [`Error::Damaged`], [`Error::EarlierVersion`], [`Error::OtherConfiguration`].
    pub fn selected(
        run: &RunDirectory,
        config: &Config,
        facts: &DatasetFacts,
        device: &Device,
    ) -> Result<Self> {
        let path = run.checkpoint(config.training.checkpoint);
        if !path.exists() {
            return Err(Error::NoCheckpoint { path: run.checkpoints() });
        }
        let checkpoint = read(&path, device)?;
        check_same(&path, (&checkpoint.config, &checkpoint.facts), (config, facts))?;
        Ok(checkpoint)
    }

    /// Reads the newest intact checkpoint onto `device`, to continue from it under `config`.
    ///
    /// The patience, the selection, where the images are and, with a constant learning rate, the number of epochs may
    /// differ from the checkpoint's: they don't change what an epoch computes. There may be more epochs, not fewer.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`], [`Error::Damaged`] where the one before is damaged too, [`Error::OtherConfiguration`],
    /// [`Error::FewerEpochs`], [`Error::EarlierVersion`].
    pub fn newest(
        run: &RunDirectory,
        config: &Config,
        facts: &DatasetFacts,
        device: &Device,
    ) -> Result<Restored> {
        let candidates = [run.last_checkpoint(), run.previous_checkpoint()];
        let mut damage: Option<Error> = None;
        for path in candidates.into_iter().filter(|path| path.exists()) {
            match read(&path, device) {
                Ok(checkpoint) => {
                    let theirs = (&checkpoint.config, &checkpoint.facts);
                    check_resumable(&path, theirs, (config, facts))?;
                    let notice = match damage {
                        Some(damage) => Some(set_aside(run, &damage, &path)?),
                        None => None,
                    };
                    return Ok(Restored { checkpoint, path, notice });
                }
                Err(error @ Error::Damaged { .. }) => damage = damage.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(damage.unwrap_or(Error::NoCheckpoint { path: run.checkpoints() }))
    }

    /// Whether the last finished epoch has the lowest validation loss so far.
    #[must_use]
    pub fn is_best(&self) -> bool {
        let Some((last, earlier)) = self.history.split_last() else { return false };
        let lower =
            |row: &EpochMetrics| last.val_loss.zip(row.val_loss).is_some_and(|(a, b)| a < b);
        last.val_loss.is_some() && earlier.iter().all(lower)
    }

    /// Epoch of the weights, counted from 1; 0 before the first is finished.
    #[must_use]
    pub fn epoch(&self) -> usize {
        self.history.len()
    }

    pub(crate) fn write_best(&self, run: &RunDirectory) -> Result<()> {
        write(self, &run.best_checkpoint())
    }

    /// Writes `last` and keeps the one before as `previous`, so that damage to one file never loses the run.
    pub(crate) fn write_last(&self, run: &RunDirectory) -> Result<()> {
        let (last, previous) = (run.last_checkpoint(), run.previous_checkpoint());
        if last.exists() {
            std::fs::rename(&last, &previous)
                .map_err(|source| run::Error::Write { path: previous, source })?;
        }
        write(self, &last)
    }
}

/// Renames a damaged `last` to `damaged`, so that the next `last` does not replace the intact `previous`.
fn set_aside(run: &RunDirectory, damage: &Error, intact: &Path) -> Result<String> {
    let aside = run.damaged_checkpoint();
    std::fs::rename(run.last_checkpoint(), &aside)
        .map_err(|source| run::Error::Write { path: aside.clone(), source })?;
    Ok(format!(
        "{damage}; it is kept as {}, and {} is used instead",
        aside.display(),
        intact.display()
    ))
}
