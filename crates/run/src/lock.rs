//! Exclusive use of a run directory.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use crate::directory::RunDirectory;
use crate::error::{Error, Result};

/// The file that is locked. The lock is the kernel's, so it ends with the process, however that ends.
const NAME: &str = ".lock";

/// Exclusive use of a run directory; it ends when this value is dropped, or with the process.
#[derive(Debug)]
pub struct RunLock {
    /// None where the directory cannot be written, so that nobody can train into it.
    _file: Option<File>,
}

impl RunDirectory {
    /// Takes exclusive use of the directory, so that no second process writes into it, and removes what a killed one may
    /// have left half-written.
    ///
    /// # Errors
    /// [`Error::Locked`] where another process holds it, [`Error::Write`].
    pub fn lock(&self) -> Result<RunLock> {
        let path = self.path.join(NAME);
        let write = |source| Error::Write { path: path.clone(), source };
        let file = match File::options().create(true).truncate(false).write(true).open(&path) {
            Err(error) if is_read_only(&error) => match File::open(&path) {
                Ok(file) => file,
                Err(_) => return Ok(RunLock { _file: None }),
            },
            opened => opened.map_err(write)?,
        };
        match file.try_lock() {
            Ok(()) => {
                self.remove_leftovers();
                Ok(RunLock { _file: Some(file) })
            }
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(write(source)),
        }
    }

    /// Whether another process has exclusive use of the directory now.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        let lock = File::open(self.path.join(NAME)).map(|file| file.try_lock());
        matches!(lock, Ok(Err(TryLockError::WouldBlock)))
    }

    fn remove_leftovers(&self) {
        for folder in [self.path.clone(), self.checkpoints(), self.report()] {
            remove_leftovers(&folder, "");
        }
    }
}

/// Removes temporary files that a killed process left in `folder`, of files whose names begin with `of`. They are called
/// `.NAME.` and six letters or digits; most file systems have unnamed ones instead.
pub(crate) fn remove_leftovers(folder: &Path, of: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let suffix = name.strip_prefix(&format!(".{of}")).and_then(|name| name.rsplit_once('.'));
        let is_random = |text: &str| text.len() == 6 && text.chars().all(char::is_alphanumeric);
        let is_leftover = suffix.is_some_and(|(_, suffix)| is_random(suffix));
        if is_leftover && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // What cannot be removed costs space and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn is_read_only(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_lock_holds_until_it_is_dropped_and_leftovers_of_a_killed_process_go() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory { path: folder.path().to_owned() };
        std::fs::create_dir(run.checkpoints()).unwrap();
        let leftover = run.checkpoints().join(".last.a1B2c3");
        std::fs::write(&leftover, "half").unwrap();
        std::fs::write(run.last_checkpoint(), "whole").unwrap();
        std::fs::write(run.path.join(".gitignore"), "").unwrap();
        let lock = run.lock().unwrap();
        assert!(run.is_locked() && matches!(run.lock(), Err(Error::Locked { .. })));
        assert!(!leftover.exists() && run.last_checkpoint().exists());
        assert!(run.path.join(".gitignore").exists());
        drop(lock);
        assert!(!run.is_locked());
        run.lock().unwrap();
    }
}
