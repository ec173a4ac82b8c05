//! Files that appear under their final name complete, or not at all.

use std::io::{ErrorKind, Write};
use std::path::Path;

use atomic_write_file::AtomicWriteFile;

use crate::error::{Error, Result};

/// Writes `bytes` to `path` so that no reader and no crash can ever see half of them.
///
/// The bytes go to a temporary file in the same folder, which is synced to disk and then renamed over `path`. The file
/// has no name until then where the file system allows it, so that a killed process leaves nothing.
///
/// # Errors
/// [`Error::NoFolder`] where the folder does not exist: it may have been removed, and is not made again here.
/// [`Error::NotAFile`] where `path` is a folder, a device or a pipe. [`Error::Write`]; whatever stood there before is
/// untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_parts_atomically(path, &[bytes])
}

/// [`write_atomically`], for bytes that lie in several places: one after the other, without a copy of all.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_parts_atomically(path: &Path, parts: &[&[u8]]) -> Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    let write = || {
        let mut file = AtomicWriteFile::open(path)?;
        parts.iter().try_for_each(|bytes| file.write_all(bytes))?;
        file.commit()
    };
    write().map_err(|source| refused(path, source))
}

/// Makes a folder, unless it is there; its parent has to exist.
///
/// # Errors
/// [`Error::NoFolder`] without a parent, [`Error::Write`].
pub fn create_folder(path: &Path) -> Result<()> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.map_err(|source| refused(path, source)),
    }
}

fn refused(path: &Path, source: std::io::Error) -> Error {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if !parent.is_dir() && source.kind() == ErrorKind::NotFound => {
            Error::NoFolder { path: parent.to_owned() }
        }
        _ => Error::Write { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_regular_files_are_replaced_and_no_folder_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write_atomically(&file, b"one").unwrap();
        write_atomically(&file, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        for path in [folder.path(), Path::new("/dev/null")] {
            assert!(matches!(write_atomically(path, b"x"), Err(Error::NotAFile { .. })));
        }
        let deep = folder.path().join("no/file");
        assert!(matches!(write_atomically(&deep, b"x"), Err(Error::NoFolder { .. })));
        assert!(matches!(create_folder(&deep), Err(Error::NoFolder { .. })));
        create_folder(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
