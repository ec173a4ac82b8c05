//! A run together with the pictures it works on.

use std::path::Path;

use anyhow::bail;
use dataset::{Dataset, LoadOptions, Source, Split, SplitOptions};
use model::NetworkConfig;
use run::{Config, DatasetFacts, RunDirectory, RunLock, read_json, write_json};

use crate::cli::MachineArgs;
use crate::console;

/// A run directory, held exclusively, with its configuration and its pictures.
pub(crate) struct Session {
    pub(crate) run: RunDirectory,
    pub(crate) config: Config,
    pub(crate) facts: DatasetFacts,
    pub(crate) data: Pictures,
    _lock: RunLock,
}

/// The pictures, split.
pub(crate) struct Pictures {
    pub(crate) dataset: Dataset,
    pub(crate) split: Split,
    /// Indices of the test pictures that are used.
    pub(crate) test: Vec<u32>,
}

impl Session {
    /// Starts a new run: pictures first, so that bad data leaves no directory behind.
    pub(crate) fn create(
        runs: &Path,
        name: Option<&str>,
        config: Config,
        machine: &MachineArgs,
    ) -> anyhow::Result<Self> {
        let (data, config, facts) = load(config, machine)?;
        let run = RunDirectory::create(runs, name)?;
        let lock = run.lock()?;
        config.write(&run.config())?;
        write_json(&run.dataset(), &facts)?;
        Ok(Self { run, config, facts, data, _lock: lock })
    }

    /// Opens a run with the pictures it was trained on.
    pub(crate) fn open(
        runs: &Path,
        name: Option<&str>,
        machine: &MachineArgs,
    ) -> anyhow::Result<Self> {
        Self::open_with(runs, name, machine, Ok)
    }

    /// Opens a run under a configuration that `change` derives from its own.
    pub(crate) fn open_with(
        runs: &Path,
        name: Option<&str>,
        machine: &MachineArgs,
        change: impl FnOnce(Config) -> anyhow::Result<Config>,
    ) -> anyhow::Result<Self> {
        let run = RunDirectory::open(runs, name)?;
        let lock = run.lock()?;
        let config = change(Config::read(&run.config())?)?;
        let known: DatasetFacts = read_json(&run.dataset())?;
        let (data, config, facts) = load(config, machine)?;
        if facts != known {
            bail!(
                "{} was trained on {} (SHA-256 {}), but '{}' now holds {} (SHA-256 {}) or splits differently: put \
                 the first back, or start another run",
                run.path.display(),
                known.name,
                known.sha256,
                config.data,
                facts.name,
                facts.sha256
            );
        }
        Ok(Self { run, config, facts, data, _lock: lock })
    }

    /// What the network has to know besides its weights.
    pub(crate) fn network(&self) -> NetworkConfig {
        network(&self.config, &self.facts)
    }
}

/// What the network of a run has to know besides its weights.
pub(crate) fn network(config: &Config, facts: &DatasetFacts) -> NetworkConfig {
    NetworkConfig::new(config, facts.classes.len(), facts.mean, facts.std)
}

/// Loads and splits the pictures; the configuration comes back with `auto` resolved.
pub(crate) fn load(
    mut config: Config,
    machine: &MachineArgs,
) -> anyhow::Result<(Pictures, Config, DatasetFacts)> {
    let source: Source = config.data.parse()?;
    let options = LoadOptions {
        cache: dataset::default_cache(),
        kiln_data: std::env::var_os("KILN_DATA").map(Into::into),
        synthetic_seed: config.split_seed,
        offline: machine.offline,
    };
    let downloads = console::Downloads::default();
    let dataset = dataset::load(&source, &options, &mut |event| downloads.show(&event))?;
    config.data = dataset.source.to_string();

    let mut split = dataset::split(
        &dataset.train.labels,
        &SplitOptions {
            val_fraction: config.val_fraction,
            seed: config.split_seed,
            stratify: config.stratify,
        },
    )?;
    let mut test: Vec<u32> = (0..dataset.test.len() as u32).collect();
    if config.limit > 0 {
        split.train.truncate(config.limit);
        split.val.truncate(config.limit);
        test.truncate(config.limit);
    }
    let statistics = dataset::statistics(&dataset.train, &split.train)?;
    let facts = DatasetFacts {
        name: dataset.name.clone(),
        synthetic: dataset.synthetic,
        sha256: dataset.sha256.clone(),
        classes: dataset.classes.clone(),
        n_train: split.train.len(),
        n_val: split.val.len(),
        n_test: test.len(),
        mean: statistics.mean,
        std: statistics.std,
    };
    Ok((Pictures { dataset, split, test }, config, facts))
}
