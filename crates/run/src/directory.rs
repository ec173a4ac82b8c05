//! The run directory: the name of every artefact.

use std::path::{Path, PathBuf};

use crate::config::Selection;
use crate::error::{Error, Result};
use crate::file::create_folder;
use crate::name::run_name;

/// The directory of one run. Only its methods contain the names of artefacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    /// The directory itself, `<runs>/<name>`.
    pub path: PathBuf,
}

impl RunDirectory {
    /// The run's name, the last part of its path.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The effective configuration, a [`Config`](crate::Config) as TOML; written before training starts.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// [`DatasetFacts`](crate::DatasetFacts) as JSON; written before training starts.
    #[must_use]
    pub fn dataset(&self) -> PathBuf {
        self.path.join("dataset.json")
    }

    /// The list of the images as CSV, one [`ListedImage`](crate::ListedImage) a row, where they came from files of their
    /// own; written before training starts.
    #[must_use]
    pub fn images(&self) -> PathBuf {
        self.path.join("images.csv")
    }

    /// The network as a model repository, the folder that Triton and KServe read.
    #[must_use]
    pub fn model_repository(&self) -> PathBuf {
        self.path.join("model_repository")
    }

    /// One [`EpochMetrics`](crate::EpochMetrics) a row as CSV; a row is added after every epoch.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.csv")
    }

    /// The folder of the checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The newest checkpoint.
    #[must_use]
    pub fn last_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("last")
    }

    /// The checkpoint before the newest, read where the newest is damaged.
    #[must_use]
    pub fn previous_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("previous")
    }

    /// The checkpoint of the epoch with the lowest validation loss.
    #[must_use]
    pub fn best_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("best")
    }

    /// The checkpoint that evaluation and export use.
    #[must_use]
    pub fn checkpoint(&self, selection: Selection) -> PathBuf {
        match selection {
            Selection::Best => self.best_checkpoint(),
            Selection::Last => self.last_checkpoint(),
        }
    }

    /// Where a damaged checkpoint is kept.
    #[must_use]
    pub fn damaged_checkpoint(&self) -> PathBuf {
        self.checkpoints().join("damaged")
    }

    /// [`Evaluation`](crate::Evaluation) as JSON.
    #[must_use]
    pub fn evaluation(&self) -> PathBuf {
        self.path.join("evaluation.json")
    }

    /// One [`Prediction`](crate::Prediction) a row as CSV, for every test image.
    #[must_use]
    pub fn predictions(&self) -> PathBuf {
        self.path.join("predictions.csv")
    }

    /// One [`Suspect`](crate::Suspect) a row as CSV: images whose label is probably wrong.
    #[must_use]
    pub fn suspects(&self) -> PathBuf {
        self.path.join("suspects.csv")
    }

    /// [`Explanations`](crate::Explanations) as JSON.
    #[must_use]
    pub fn explanations(&self) -> PathBuf {
        self.path.join("explanations.json")
    }

    /// [`Timing`](crate::Timing) as JSON; of runs that a study made.
    #[must_use]
    pub fn timing(&self) -> PathBuf {
        self.path.join("timing.json")
    }

    /// The exported network.
    #[must_use]
    pub fn onnx(&self) -> PathBuf {
        self.path.join("model.onnx")
    }

    /// [`Agreement`](crate::Agreement) as JSON.
    #[must_use]
    pub fn agreement(&self) -> PathBuf {
        self.path.join("agreement.json")
    }

    /// The folder of an evaluation on other images than the run's.
    #[must_use]
    pub fn evaluation_of(&self, name: &str) -> PathBuf {
        self.path.join("evaluations").join(name)
    }

    /// The folder of the plots and the HTML page.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.path.join("report")
    }
}

/// Where a comparison of runs is written. No run can have this name: names of runs begin with a letter or digit.
#[must_use]
pub fn comparison_folder(runs: &Path) -> PathBuf {
    runs.join(".comparison")
}

/// Makes the folder of the study called `name`, unless it is there; its runs and its table are in it.
///
/// # Errors
/// [`Error::Name`], [`Error::Occupied`] where a run has the name, [`Error::Write`].
pub fn study_folder(runs: &Path, name: &str) -> Result<PathBuf> {
    let path = runs.join(run_name(name)?);
    if (RunDirectory { path: path.clone() }).config().exists() {
        return Err(Error::Occupied { path });
    }
    std::fs::create_dir_all(runs)
        .map_err(|source| Error::Write { path: runs.to_owned(), source })?;
    create_folder(&path)?;
    Ok(path)
}

/// The table of a study as CSV, in the study's folder.
#[must_use]
pub fn study_csv(study: &Path) -> PathBuf {
    study.join("study.csv")
}

/// The table of a study as Markdown, in the study's folder.
#[must_use]
pub fn study_markdown(study: &Path) -> PathBuf {
    study.join("study.md")
}
