//! Checkpoints: everything a run needs to go on, in one file that is whole or not there.
//!
//! Layout: [`MAGIC`], the SHA-256 of the rest, then a burnpack container with the weights, their moving average where
//! there is one, Adam's moments, the configuration, the history and the sums of an unfinished epoch.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, DType, Device};
use burn_pack::{Reader, Tensor as Blob, Writer};
use model::{Network, NetworkConfig};
use run::{Config, EpochMetrics, RunDirectory, Schedule, Selection, write_atomically};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::adam::adam;
use crate::error::{Error, Result};

/// Marks the file as a checkpoint of this layout.
const MAGIC: &[u8; 8] = b"kilnck01";
/// Bytes of a SHA-256.
const DIGEST_LENGTH: usize = 32;

/// The state of training after some step.
#[derive(Clone)]
pub struct Checkpoint {
    /// The network in training, on an autodiff device.
    pub model: Network,
    /// The moving average of its weights, an inference model; none where `average_decay` is 0.
    pub average: Option<Network>,
    /// Adam with both of its moments.
    pub optimizer: ModuleOptimizer,
    /// The configuration the state was reached with.
    pub config: Config,
    /// The rows of all finished epochs, in order.
    pub history: Vec<EpochMetrics>,
    /// Sums over the epoch that is not finished.
    pub epoch: Epoch,
}

/// Sums over the part of an epoch that is behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Steps made.
    pub step: usize,
    /// Pictures seen.
    pub seen: usize,
    /// Sum of the losses of all pictures seen, in nats.
    pub loss_sum: f64,
    /// Pictures classified rightly.
    pub n_right: usize,
    /// Adam's step size in the last step.
    pub learning_rate: f64,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// A checkpoint that was read back, and what had to be said about it.
pub struct Restored {
    /// The state.
    pub checkpoint: Checkpoint,
    /// The file it came from.
    pub path: PathBuf,
    /// Why the newest checkpoint was passed over for an earlier one, where it was.
    pub notice: Option<String>,
}

impl Epoch {
    pub(crate) fn loss(&self) -> f64 {
        self.loss_sum / self.seen as f64
    }

    pub(crate) fn accuracy(&self) -> f64 {
        self.n_right as f64 / self.seen as f64
    }
}

impl Checkpoint {
    /// The state before the first step.
    pub(crate) fn start(config: &Config, network: &NetworkConfig) -> Self {
        let model = Network::new(network, config.seed, &Device::flex().autodiff());
        Self {
            average: (config.average_decay > 0.0).then(|| model.valid()),
            model,
            optimizer: adam(config),
            config: config.clone(),
            history: Vec::new(),
            epoch: Epoch::default(),
        }
    }

    /// What is validated, tested and exported: the moving average, else the network itself, as an inference model.
    #[must_use]
    pub fn network(&self) -> Network {
        self.average.clone().unwrap_or_else(|| self.model.valid())
    }

    /// Reads the checkpoint that evaluation and export use: `last` or `best`.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`], [`Error::Damaged`].
    pub fn selected(
        run: &RunDirectory,
        selection: Selection,
        network: &NetworkConfig,
    ) -> Result<Self> {
        let path = match selection {
            Selection::Best => best_path(run),
            Selection::Last => last_path(run),
        };
        if !path.exists() {
            return Err(Error::NoCheckpoint { path: run.checkpoints() });
        }
        Self::read(&path, network)
    }

    /// Reads the newest checkpoint that is sound, to go on from it under `config`.
    ///
    /// The patience, the selection and, under a constant step size, the number of epochs may differ from the
    /// checkpoint's: they don't change what an epoch computes.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`], [`Error::Damaged`] where the one before is damaged too, [`Error::OtherConfiguration`].
    pub fn newest(
        run: &RunDirectory,
        config: &Config,
        network: &NetworkConfig,
    ) -> Result<Restored> {
        let candidates: Vec<_> =
            [last_path(run), previous_path(run)].into_iter().filter(|path| path.exists()).collect();
        let mut damage: Option<Error> = None;
        for path in candidates {
            match Self::read(&path, network) {
                Ok(checkpoint) => {
                    check_configuration(&path, &checkpoint.config, config)?;
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

    /// Epoch of the weights, counted from 1; 0 before the first has ended.
    #[must_use]
    pub fn epoch(&self) -> usize {
        self.history.len()
    }

    pub(crate) fn write_best(&self, run: &RunDirectory) -> Result<()> {
        self.write(&best_path(run))
    }

    /// Writes `last` and keeps the one before as `previous`, so that damage to one file never loses the run.
    pub(crate) fn write_last(&self, run: &RunDirectory) -> Result<()> {
        let (last, previous) = (last_path(run), previous_path(run));
        if last.exists() {
            std::fs::rename(&last, &previous)
                .map_err(|source| run::Error::Write { path: previous, source })?;
        }
        self.write(&last)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let pack = || -> std::result::Result<Vec<u8>, Box<dyn std::error::Error>> {
            let model = self.model.clone().into_record().into_bytes()?;
            let optimizer = self.optimizer.into_bytes()?;
            let blob = |name: &str, bytes: Bytes| {
                Blob::new(name.to_owned(), DType::U8, vec![bytes.len()], None, bytes)
            };
            let mut blobs = vec![blob("model", model), blob("optimizer", optimizer)];
            if let Some(average) = &self.average {
                blobs.push(blob("average", average.clone().into_record().into_bytes()?));
            }
            let container = Writer::new(blobs)
                .with_metadata("config", &self.config.to_toml())
                .with_metadata("history", &serde_json::to_string(&self.history)?)
                .with_metadata("epoch", &serde_json::to_string(&self.epoch)?)
                .into_bytes()?;
            let container: &[u8] = &container;
            Ok([MAGIC.as_slice(), &Sha256::digest(container), container].concat())
        };
        let bytes = pack().map_err(|error| run::Error::Write {
            path: path.to_owned(),
            source: std::io::Error::other(error.to_string()),
        })?;
        Ok(write_atomically(path, &bytes)?)
    }

    fn read(path: &Path, network: &NetworkConfig) -> Result<Self> {
        let bytes = std::fs::read(path)
            .map_err(|source| run::Error::Read { path: path.to_owned(), source })?;
        let damaged = |reason: String| Error::Damaged { path: path.to_owned(), reason };
        let container = checked(&bytes).map_err(|reason| damaged(reason.to_owned()))?;
        Self::unpack(container, network).map_err(|error| damaged(error.to_string()))
    }

    fn unpack(
        container: &[u8],
        network: &NetworkConfig,
    ) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let reader = Reader::from_bytes(Bytes::from_bytes_vec(container.to_vec()))?;
        let text = |key: &str| {
            reader.metadata().get(key).cloned().ok_or_else(|| format!("it holds no {key}"))
        };
        let config = Config::from_toml(&text("config")?)?;
        let history = serde_json::from_str(&text("history")?)?;
        let epoch = serde_json::from_str(&text("epoch")?)?;
        let bytes = |name| reader.tensor_data(name).map(Bytes::from_bytes_vec);
        let Self { model, average, optimizer, .. } = Self::start(&config, network);
        // The record restores the parameters' identities, by which the optimizer then finds its moments.
        let model = model.try_load_record(ModuleRecord::from_bytes(bytes("model")?)?)?;
        let average = match average {
            Some(average) => {
                Some(average.try_load_record(ModuleRecord::from_bytes(bytes("average")?)?)?)
            }
            None => None,
        };
        let optimizer = optimizer.from_bytes(bytes("optimizer")?)?;
        Ok(Self { model, average, optimizer, config, history, epoch })
    }
}

/// The container inside a checkpoint file, once magic and digest are found right.
fn checked(bytes: &[u8]) -> std::result::Result<&[u8], &'static str> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not begin as a checkpoint does")?;
    let (digest, container) = rest.split_at_checked(DIGEST_LENGTH).ok_or("it is cut short")?;
    if Sha256::digest(container).as_slice() != digest {
        return Err("its checksum does not fit its content");
    }
    Ok(container)
}

fn check_configuration(path: &Path, theirs: &Config, ours: &Config) -> Result<()> {
    let constant = ours.schedule == Schedule::Constant;
    let same = Config {
        epochs: if constant { theirs.epochs } else { ours.epochs },
        recipe: theirs.recipe.clone(),
        patience: theirs.patience,
        checkpoint: theirs.checkpoint,
        ..ours.clone()
    };
    let (theirs, ours) = (theirs.to_toml(), same.to_toml());
    match theirs.lines().zip(ours.lines()).find(|(theirs, ours)| theirs != ours) {
        None => Ok(()),
        Some((theirs, ours)) => {
            let value =
                |line: &str| line.split_once(" = ").map_or(line, |(_, value)| value).to_owned();
            let key = theirs.split(" = ").next().unwrap_or(theirs).to_owned();
            Err(Error::OtherConfiguration {
                path: path.to_owned(),
                key,
                theirs: value(theirs),
                ours: value(ours),
            })
        }
    }
}

/// Moves a damaged `last` out of the way, so that the next one does not push the sound `previous` out of its place.
fn set_aside(run: &RunDirectory, damage: &Error, sound: &Path) -> Result<String> {
    let aside = run.checkpoints().join("damaged");
    std::fs::rename(last_path(run), &aside)
        .map_err(|source| run::Error::Write { path: aside.clone(), source })?;
    Ok(format!(
        "{damage}; it is kept as {}, and {} is used instead",
        aside.display(),
        sound.display()
    ))
}

fn last_path(run: &RunDirectory) -> PathBuf {
    run.checkpoints().join("last")
}

fn previous_path(run: &RunDirectory) -> PathBuf {
    run.checkpoints().join("previous")
}

fn best_path(run: &RunDirectory) -> PathBuf {
    run.checkpoints().join("best")
}
