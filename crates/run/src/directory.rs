//! The run directory: the name of every artefact, and the lock that keeps two processes apart.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::file::write_atomically;

/// Names the newest run, in the folder that holds all runs.
const LATEST: &str = "latest";
/// Longest name of a run, so that no file system refuses the paths below it.
const MAX_NAME_LENGTH: usize = 100;

/// The directory of one run. Only its methods contain the names of artefacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    /// The directory itself, `<runs>/<name>`.
    pub path: PathBuf,
}

/// Exclusive use of a run directory; it ends when this value is dropped, or with the process.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunDirectory {
    /// Makes a new run directory below `runs` and names it the latest.
    ///
    /// Without a name it is called `run-1`, `run-2` and so on, one above the highest there is.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Occupied`] where the name is taken, [`Error::Write`].
    pub fn create(runs: &Path, name: Option<&str>) -> Result<Self> {
        let write = |path: &Path, source| Error::Write { path: path.to_owned(), source };
        std::fs::create_dir_all(runs).map_err(|source| write(runs, source))?;
        let path = match name {
            Some(name) => {
                check_name(name)?;
                let path = runs.join(name);
                create_new(&path)?;
                path
            }
            // Another process may take the number in between: then try the next.
            None => loop {
                let path = runs.join(format!("run-{}", highest_number(runs)?.saturating_add(1)));
                match create_new(&path) {
                    Err(Error::Occupied { .. }) => {}
                    made => break made.map(|()| path)?,
                }
            },
        };
        let run = Self { path };
        write_atomically(&runs.join(LATEST), format!("{}\n", run.name()).as_bytes())?;
        Ok(run)
    }

    /// Opens the run called `name` below `runs`, or the latest one.
    ///
    /// # Errors
    /// [`Error::Name`], or [`Error::Missing`] where there is no such run.
    pub fn open(runs: &Path, name: Option<&str>) -> Result<Self> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => std::fs::read_to_string(runs.join(LATEST))
                .map_err(|_| Error::Missing { path: runs.join(LATEST) })?
                .trim()
                .to_owned(),
        };
        check_name(&name)?;
        let path = runs.join(&name);
        if path.is_dir() { Ok(Self { path }) } else { Err(Error::Missing { path }) }
    }

    /// Takes exclusive use of the directory, so that no second process trains into it.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process holds it, [`Error::Write`].
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.path.join(".lock");
        let write = |source| Error::Write { path: path.clone(), source };
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(write)?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(write(source)),
        }
    }

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

/// A run's name becomes a folder's name, so it must not be able to leave the folder of runs or hide in it.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain)
        && name.len() <= MAX_NAME_LENGTH
        && name != LATEST;
    if valid { Ok(()) } else { Err(Error::Name { name: name.to_owned() }) }
}

fn create_new(path: &Path) -> Result<()> {
    std::fs::create_dir(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Occupied { path: path.to_owned() },
        _ => Error::Write { path: path.to_owned(), source },
    })
}

/// The highest N of all `run-N` below `runs`, or 0.
fn highest_number(runs: &Path) -> Result<u64> {
    let entries =
        std::fs::read_dir(runs).map_err(|source| Error::Read { path: runs.to_owned(), source })?;
    let number = |name: &str| name.strip_prefix("run-")?.parse::<u64>().ok();
    Ok(entries
        .flatten()
        .filter_map(|entry| number(&entry.file_name().to_string_lossy()))
        .max()
        .unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn runs_are_numbered_one_above_the_highest_and_latest_follows() {
        let runs = tempfile::tempdir().unwrap();
        assert_eq!(RunDirectory::create(runs.path(), None).unwrap().name(), "run-1");
        std::fs::create_dir(runs.path().join("run-7")).unwrap();
        let newest = RunDirectory::create(runs.path(), None).unwrap();
        assert_eq!(newest.name(), "run-8");
        assert_eq!(RunDirectory::open(runs.path(), None).unwrap(), newest);
        let named = RunDirectory::create(runs.path(), Some("wide-net")).unwrap();
        assert_eq!(RunDirectory::open(runs.path(), None).unwrap(), named);
    }

    #[test]
    fn a_name_can_be_taken_once() {
        let runs = tempfile::tempdir().unwrap();
        RunDirectory::create(runs.path(), Some("a")).unwrap();
        let again = RunDirectory::create(runs.path(), Some("a"));
        assert!(matches!(again, Err(Error::Occupied { .. })));
    }

    #[test]
    fn a_name_cannot_leave_the_folder_of_runs() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["", "..", "../a", "a/b", "/a", ".hidden", "latest", "-x", "a b", "ä"] {
            let made = RunDirectory::create(runs.path(), Some(name));
            assert!(matches!(made, Err(Error::Name { .. })), "{name}");
            let opened = RunDirectory::open(runs.path(), Some(name));
            assert!(matches!(opened, Err(Error::Name { .. })), "{name}");
        }
    }

    #[test]
    fn a_lock_holds_until_it_is_dropped() {
        let runs = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(runs.path(), None).unwrap();
        let lock = run.lock().unwrap();
        assert!(matches!(run.lock(), Err(Error::Locked { .. })));
        drop(lock);
        run.lock().unwrap();
    }

    #[test]
    fn opening_what_is_not_there_names_the_path() {
        let runs = tempfile::tempdir().unwrap();
        let error = RunDirectory::open(runs.path(), Some("gone")).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
        assert!(matches!(RunDirectory::open(runs.path(), None), Err(Error::Missing { .. })));
    }
}
