//! A run together with its images.

use std::path::Path;

use dataset::{Dataset, Event, LoadOptions, Split};
use images::Preparation;
use model::NetworkConfig;
use run::{
    ClassWeights, Config, DatasetFacts, EpochMetrics, ListedImage, Needs, RunDirectory, RunLock,
    read_json,
};

use crate::error::{Error, Result};
use crate::recipe::Settings;
use crate::training::check_pretrained;

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

impl Images {
    /// The file, the class and the part of every image that is used; empty where images have no files of their own.
    fn list(&self) -> Vec<ListedImage> {
        let Self { dataset, split, test } = self;
        let parts = [
            ("train", &split.train, &dataset.train_paths, &dataset.train.labels),
            ("validation", &split.val, &dataset.train_paths, &dataset.train.labels),
            ("test", test, &dataset.test_paths, &dataset.test.labels),
        ];
        let mut listed = Vec::new();
        for (part, indices, paths, labels) in parts {
            let mut indices = indices.clone();
            indices.sort_unstable();
            listed.extend(indices.into_iter().filter_map(|index| {
                let path = paths.get(index as usize)?.display().to_string();
                let label = dataset.classes[usize::from(labels[index as usize])].clone();
                Some(ListedImage { part: part.to_owned(), index, path, label })
            }));
        }
        listed
    }
}

impl Session {
    /// Starts a new run below `runs`. Settings and name are checked before the images are loaded, and the network's size
    /// before the run is made, so that bad data and impossible settings leave no run behind.
    ///
    /// Without a name the run is called `run-N`. `offline` forbids downloads; `on_event` hears of them.
    ///
    /// # Errors
    /// [`Error::Dataset`]; [`Error::Model`] where the images are too small for the network; [`Error::Train`] where it needs
    /// more memory than the machine has, or cannot start from the weights of the run in `from`; [`Error::Run`].
    pub fn create(
        runs: &Path,
        name: Option<&str>,
        settings: impl Into<Settings>,
        offline: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Self> {
        let settings = settings.into();
        settings.before_loading()?;
        if let Some(name) = name {
            RunDirectory::check_new(runs, name)?;
        }
        let (images, config, facts) = load(settings, offline, on_event)?;
        train::check_memory(&config, &NetworkConfig::new(&config, &facts), facts.n_train)?;
        check_pretrained(runs, &config, &facts)?;
        let (run, lock) = RunDirectory::create(runs, name, &config, &facts, &images.list())?;
        Ok(Self { run, config, facts, images, _lock: lock })
    }

    /// Opens a run with the images it was trained on; without a name the newest that has what is needed.
    ///
    /// `changes` replace settings of the run; they are not written to it. `data` may be among them, since images that
    /// were moved are the same images.
    ///
    /// # Errors
    /// Before the images are loaded: [`Error::Run`], [`Error::Train`] where the settings are not those of the run's newest
    /// checkpoint. Then [`Error::Images`] where they cannot be loaded, [`Error::OtherData`] where the source holds others
    /// now.
    pub fn open(
        runs: &Path,
        name: Option<&str>,
        needs: Needs,
        changes: &[(String, String)],
        offline: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Self> {
        let run = RunDirectory::find(runs, name, needs)?;
        let lock = run.lock()?;
        let config = Config::read(&run.config())?.with(changes)?;
        config.check()?;
        let known: DatasetFacts = read_json(&run.dataset())?;
        train::check_settings(&run, &config, &known)?;
        let data = config.data.data.clone();
        let (images, config, facts) = match load(config, offline, on_event) {
            Err(Error::Dataset(source)) => {
                return Err(Error::Images { path: run.path, data, source });
            }
            loaded => loaded?,
        };
        // A folder may have another name now.
        // Nor did earlier versions note the background, which follows from the images.
        let facts =
            DatasetFacts { name: known.name.clone(), background: known.background, ..facts };
        let difference = match facts.sha256 == known.sha256 {
            true => known.difference(&facts),
            false => Some(("SHA-256".to_owned(), known.sha256.clone(), facts.sha256.clone())),
        };
        if let Some((key, known, found)) = difference {
            let difference = format!("{key} {known} in the run, {found} now");
            return Err(Error::OtherData { path: run.path, data, difference });
        }
        Ok(Self { run, config, facts, images, _lock: lock })
    }

    /// The rows of `metrics.csv`, checked with the settings and the facts against the run's newest sound checkpoint.
    ///
    /// # Errors
    /// [`Error::Run`] where the file cannot be read, [`Error::Train`] where the records do not fit.
    pub fn metrics(&self) -> Result<Vec<EpochMetrics>> {
        Ok(train::checked_metrics(&self.run, &self.config, &self.facts)?)
    }

    /// What the network has to know besides its weights.
    #[must_use]
    pub fn network(&self) -> NetworkConfig {
        NetworkConfig::new(&self.config, &self.facts)
    }
}

/// Where images are looked for on this machine; `offline` forbids downloads.
#[must_use]
pub fn load_options(offline: bool) -> LoadOptions {
    LoadOptions {
        cache: dataset::default_cache(),
        kiln_data: std::env::var_os("KILN_DATA").map(Into::into),
        offline,
    }
}

/// Loads and splits the images; the configuration comes back with `auto` resolved.
///
/// # Errors
/// [`Error::Dataset`]; [`Error::Run`] where the settings contradict each other.
pub fn load(
    settings: impl Into<Settings>,
    offline: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Images, Config, DatasetFacts)> {
    let options = load_options(offline);
    let settings = settings.into();
    let dataset = dataset::load(&settings.before_loading()?.data, &options, on_event)?;
    let mut config = settings.for_images(&dataset)?;
    config.data.data = dataset.source.to_string();
    config.data = config.data.resolved(dataset.shape, dataset.preparation);

    let (split, test) = dataset.parts(&config.data, on_event)?;
    config.training.epochs = config.training.epochs_over(split.train.len());
    config.training.min_steps = 0;
    if let Some(warning) = imbalance(&dataset, &split.train, config.training.class_weights) {
        on_event(Event::Warning(&warning));
    }
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
        background: match dataset.preparation {
            // A digit is found on either, and made white on black.
            Preparation::Digit => None,
            _ => dataset::background(&dataset.train, &split.train),
        },
    };
    Ok((Images { dataset, split, test }, config, facts))
}

/// From this ratio of the largest class to the smallest on, an accuracy hides how the small ones fare.
const IMBALANCED: usize = 5;
/// Classes of fewer images than this differ by chance.
const FEW: usize = 20;

/// A warning where the largest class of the training images is many times the smallest. Classes without images have a warning
/// of their own.
fn imbalance(dataset: &Dataset, train: &[u32], weights: ClassWeights) -> Option<String> {
    let mut counts = vec![0_usize; dataset.classes.len()];
    train.iter().for_each(|&index| counts[usize::from(dataset.train.labels[index as usize])] += 1);
    let present = || counts.iter().zip(&dataset.classes).filter(|(count, _)| **count > 0);
    let (largest, most) = present().max_by_key(|(count, _)| **count)?;
    let (smallest, fewest) = present().min_by_key(|(count, _)| **count)?;
    if *largest < FEW || *largest < IMBALANCED * smallest {
        return None;
    }
    let remedy = match weights {
        ClassWeights::None => {
            ", and --class-weights balanced lets every class count alike in training"
        }
        ClassWeights::Balanced => "",
    };
    Some(format!(
        "the classes are imbalanced: {largest} training images of '{most}', {smallest} of '{fewest}'. The accuracy says little \
         about small classes: the balanced accuracy and the macro F1 do{remedy}"
    ))
}

#[cfg(test)]
mod tests {
    use dataset::{Examples, Source};
    use images::{ImageShape, Preparation};

    use super::*;

    #[test]
    fn a_class_five_times_another_is_a_warning() {
        let warning = |counts: [usize; 3], weights| {
            let labels: Vec<u16> =
                (0..3).flat_map(|class: u16| vec![class; counts[usize::from(class)]]).collect();
            let shape = ImageShape { channels: 1, height: 1, width: 1 };
            let train = Examples { shape, pixels: vec![0; labels.len()], labels };
            let indices: Vec<u32> = (0..train.len() as u32).collect();
            let dataset = Dataset {
                name: String::new(),
                source: Source::Synthetic,
                synthetic: false,
                classes: ["cat", "dog", "emu"].map(str::to_owned).to_vec(),
                shape,
                preparation: Preparation::Stretch,
                test: train.clone(),
                train,
                root: std::path::PathBuf::new(),
                train_paths: Vec::new(),
                test_paths: Vec::new(),
                n_val: 0,
                sha256: String::new(),
            };
            imbalance(&dataset, &indices, weights)
        };
        assert_eq!(warning([100, 21, 50], ClassWeights::None), None);
        assert_eq!(warning([19, 1, 1], ClassWeights::None), None, "too few to tell");
        let text = warning([20, 100, 0], ClassWeights::None).unwrap_or_default();
        assert!(text.contains("100 training images of 'dog', 20 of 'cat'"), "{text}");
        assert!(text.contains("--class-weights balanced"), "{text}");
        let text = warning([20, 100, 0], ClassWeights::Balanced).unwrap_or_default();
        assert!(text.contains("imbalanced") && !text.contains("--class"), "{text}");
    }
}
