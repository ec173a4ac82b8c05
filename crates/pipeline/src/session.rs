//! A run together with its images.

use std::path::Path;

use dataset::{Dataset, Event, LoadOptions, Split};
use model::NetworkConfig;
use run::{Config, DatasetFacts, RunDirectory, RunLock, read_json, write_json};

use crate::error::{Error, Result};

/// A run directory, locked for this process, with its configuration and its images.
pub struct Session {
    /// The run directory.
    pub run: RunDirectory,
    /// The settings; `data` names what `auto` resolved to.
    pub config: Config,
    /// What the images are.
    pub facts: DatasetFacts,
    /// The images.
    pub images: Images,
    _lock: RunLock,
}

/// The images of a run, split.
pub struct Images {
    /// Training and test images with their labels.
    pub dataset: Dataset,
    /// Indices of the training images that are trained on and validated on.
    pub split: Split,
    /// Indices of the test images that are used.
    pub test: Vec<u32>,
}

impl Session {
    /// Starts a new run below `runs`. The images are loaded and the network's size is checked first, so that bad data and
    /// impossible settings leave no run behind.
    ///
    /// Without a name the run is called `run-N`. `offline` forbids downloads; `on_event` hears of them.
    ///
    /// # Errors
    /// [`Error::Dataset`]; [`Error::Model`] where the images are too small for the network; [`Error::Train`] where it needs
    /// more memory than the machine has; [`Error::Run`].
    pub fn create(
        runs: &Path,
        name: Option<&str>,
        config: Config,
        offline: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Self> {
        config.check()?;
        let (images, config, facts) = load(config, offline, on_event)?;
        train::check_memory(&config, &NetworkConfig::new(&config, &facts), facts.n_train)?;
        let run = RunDirectory::create(runs, name)?;
        let lock = run.lock()?;
        config.write(&run.config())?;
        write_json(&run.dataset(), &facts)?;
        Ok(Self { run, config, facts, images, _lock: lock })
    }

    /// Opens a run, the latest without a name, with the images it was trained on.
    ///
    /// `changes` replace settings of the run; they are not written to it.
    ///
    /// # Errors
    /// [`Error::OtherData`] where the source holds other images now; [`Error::Dataset`], [`Error::Run`].
    pub fn open(
        runs: &Path,
        name: Option<&str>,
        changes: &[(String, String)],
        offline: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Self> {
        let run = RunDirectory::open(runs, name)?;
        let lock = run.lock()?;
        let config = Config::read(&run.config())?.with(changes)?;
        config.check()?;
        let known: DatasetFacts = read_json(&run.dataset())?;
        let (images, config, facts) = load(config, offline, on_event)?;
        if facts != known {
            let name = |facts: &DatasetFacts| format!("{} (SHA-256 {})", facts.name, facts.sha256);
            let (known, found) = (name(&known), name(&facts));
            return Err(Error::OtherData { path: run.path, known, data: config.data.data, found });
        }
        Ok(Self { run, config, facts, images, _lock: lock })
    }

    /// What the network has to know besides its weights.
    #[must_use]
    pub fn network(&self) -> NetworkConfig {
        NetworkConfig::new(&self.config, &self.facts)
    }
}

/// Loads and splits the images; the configuration comes back with `auto` resolved.
///
/// # Errors
/// [`Error::Dataset`].
pub fn load(
    mut config: Config,
    offline: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Images, Config, DatasetFacts)> {
    let options = LoadOptions {
        cache: dataset::default_cache(),
        kiln_data: std::env::var_os("KILN_DATA").map(Into::into),
        offline,
    };
    let dataset = dataset::load(&config.data, &options, on_event)?;
    config.data.data = dataset.source.to_string();
    config.data.prepare = match dataset.preparation {
        Preparation::Digit => Prepare::Digit,
        Preparation::Stretch => Prepare::Stretch,
    };

    let (split, test) = dataset.parts(&config.data, on_event)?;
    let statistics = dataset::statistics(&dataset.train, &split.train)?;
    let facts = DatasetFacts {
        name: dataset.name.clone(),
        synthetic: dataset.synthetic,
        sha256: dataset.sha256.clone(),
        classes: dataset.classes.clone(),
        shape: dataset.shape,
        n_train: split.train.len(),
        n_val: split.val.len(),
        n_test: test.len(),
        mean: statistics.mean,
        std: statistics.std,
    };
    Ok((Images { dataset, split, test }, config, facts))
}
