//! Files that appear under their final name complete, or not at all.

use std::io::Write;
use std::path::Path;

use atomic_write_file::AtomicWriteFile;

use crate::error::{Error, Result};

/// Writes `bytes` to `path` so that no reader and no crash can ever see half of them.
///
/// The bytes go to a temporary file in the same directory, which is synced to disk and then renamed over `path`.
/// Missing parent directories are created.
///
/// # Errors
/// [`Error::Write`] naming `path`; whatever stood there before is untouched.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = AtomicWriteFile::open(path)?;
        file.write_all(bytes)?;
        file.commit()
    };
    write().map_err(|source| Error::Write { path: path.to_owned(), source })
}
