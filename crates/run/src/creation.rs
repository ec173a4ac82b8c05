//! New runs, which appear under their names whole or not at all.
//!
//! ```text
//! lock runs/.lock -> fill runs/.new -> rename it to runs/NAME -> runs/latest
//! ```

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use crate::config::Config;
use crate::directory::RunDirectory;
use crate::error::{Error, Result};
use crate::file::{create_folder, write_atomically};
use crate::image_list::{ListedImage, write_image_list};
use crate::lock::{RunLock, remove_leftovers};
use crate::lookup::LATEST;
use crate::name::run_name;
use crate::record::{DatasetFacts, write_json};

/// Where a run is filled before it has its name. No run is called so: names begin with a letter or digit.
const UNNAMED: &str = ".new";
/// Lets one process at a time make a run.
const LOCK: &str = ".lock";

impl RunDirectory {
    /// Makes a new run below `runs`, with its settings, the facts of its images and their list, locks it and names it the
    /// latest. Without listed images there is no list.
    ///
    /// Without a name it is called `run-1`, `run-2` and so on, one above the highest there is. It gets its name once all
    /// of it is on the disk: a process that dies earlier leaves no run.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Occupied`] where the name is taken, [`Error::Write`].
    pub fn create(
        runs: &Path,
        name: Option<&str>,
        config: &Config,
        facts: &DatasetFacts,
        images: &[ListedImage],
    ) -> Result<(Self, RunLock)> {
        std::fs::create_dir_all(runs)
            .map_err(|source| Error::Write { path: runs.to_owned(), source })?;
        let path = runs.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(|source| Error::Write { path, source })?;
        // A file system without locks still serves the one process that most users run.
        let _ = lock.lock();
        let name = match name {
            Some(name) => run_name(name)?,
            None => format!("run-{}", highest_number(runs)?.saturating_add(1)),
        };
        let new = Self { path: runs.join(UNNAMED) };
        // Left by a process that was killed: whoever holds the lock is the only one that makes a run.
        let _ = std::fs::remove_dir_all(&new.path);
        remove_leftovers(runs, LATEST);
        let made = new.fill(config, facts, images).and_then(|lock| {
            let run = Self { path: runs.join(&name) };
            rename(&new.path, &run.path)?;
            Ok((run, lock))
        });
        if made.is_err() {
            let _ = std::fs::remove_dir_all(&new.path);
        }
        let made = made?;
        let synced = File::open(runs).and_then(|folder| folder.sync_all());
        synced.map_err(|source| Error::Write { path: runs.to_owned(), source })?;
        write_atomically(&runs.join(LATEST), format!("{name}\n").as_bytes())?;
        Ok(made)
    }

    /// Fails where a new run cannot have this name, before anything is made.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Occupied`].
    pub fn check_new(runs: &Path, name: &str) -> Result<()> {
        let path = runs.join(run_name(name)?);
        if path.symlink_metadata().is_ok() { Err(Error::Occupied { path }) } else { Ok(()) }
    }

    fn fill(
        &self,
        config: &Config,
        facts: &DatasetFacts,
        images: &[ListedImage],
    ) -> Result<RunLock> {
        create_folder(&self.path)?;
        let lock = self.lock()?;
        config.write(&self.config())?;
        write_json(&self.dataset(), facts)?;
        if !images.is_empty() {
            write_image_list(&self.images(), images)?;
        }
        create_folder(&self.checkpoints())?;
        Ok(lock)
    }
}

/// Gives a filled folder its name, unless something has it.
fn rename(new: &Path, named: &Path) -> Result<()> {
    let occupied = || Error::Occupied { path: named.to_owned() };
    if named.symlink_metadata().is_ok() {
        return Err(occupied());
    }
    std::fs::rename(new, named).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty => occupied(),
        _ => Error::Write { path: named.to_owned(), source },
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
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use images::ImageShape;

    use super::*;

    pub(crate) fn facts() -> DatasetFacts {
        DatasetFacts {
            name: "test".to_owned(),
            synthetic: true,
            sha256: "0".repeat(64),
            classes: ["a", "b"].map(str::to_owned).to_vec(),
            shape: ImageShape { channels: 1, height: 8, width: 8 },
            n_train: 3,
            n_val: 2,
            n_test: 1,
            mean: vec![100.0],
            std: vec![10.0],
            background: None,
        }
    }

    pub(crate) fn create(runs: &Path, name: Option<&str>) -> Result<RunDirectory> {
        RunDirectory::create(runs, name, &Config::default(), &facts(), &[]).map(|(run, _)| run)
    }

    #[test]
    fn runs_are_numbered_one_above_the_highest_and_latest_follows() {
        let runs = tempfile::tempdir().unwrap();
        assert_eq!(create(runs.path(), None).unwrap().name(), "run-1");
        std::fs::create_dir(runs.path().join("run-7")).unwrap();
        let newest = create(runs.path(), None).unwrap();
        assert_eq!(newest.name(), "run-8");
        assert_eq!(RunDirectory::open(runs.path(), None).unwrap(), newest);
        let named = create(runs.path(), Some("wide-net")).unwrap();
        assert_eq!(RunDirectory::open(runs.path(), None).unwrap(), named);
    }

    #[test]
    fn a_name_can_be_taken_once_also_by_an_empty_folder() {
        let runs = tempfile::tempdir().unwrap();
        create(runs.path(), Some("a")).unwrap();
        std::fs::create_dir(runs.path().join("b")).unwrap();
        for name in ["a", "b"] {
            assert!(matches!(create(runs.path(), Some(name)), Err(Error::Occupied { .. })));
            assert!(RunDirectory::check_new(runs.path(), name).is_err());
        }
        assert!(RunDirectory::check_new(runs.path(), "c").is_ok());
        assert!(!runs.path().join(UNNAMED).exists());
    }

    #[test]
    fn what_a_killed_process_left_unnamed_is_no_run_and_is_replaced() {
        let runs = tempfile::tempdir().unwrap();
        let left = RunDirectory { path: runs.path().join(UNNAMED) };
        std::fs::create_dir(&left.path).unwrap();
        std::fs::write(left.config(), "epochs = 3").unwrap();
        let latest = runs.path().join(".latest.a1B2c3");
        std::fs::write(&latest, "").unwrap();
        assert!(matches!(RunDirectory::open(runs.path(), None), Err(Error::NoRuns { .. })));
        let run = create(runs.path(), None).unwrap();
        assert_eq!(Config::read(&run.config()).unwrap(), Config::default());
        assert!(!left.path.exists() && !latest.exists());
    }
}
