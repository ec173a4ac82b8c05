//! Reads a model's file: regular files only, so that no file can block its reader.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::input::read_at_most;

/// Reads a whole file, unless it has more than `limit` bytes.
pub(crate) fn read(limit: u64, path: &Path) -> Result<Vec<u8>> {
    let file = open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    read_at_most(limit, file, path)
}

/// Opens a regular file. A pipe or a device in its place is not opened for reading: that could wait for ever, or change
/// the device.
fn open(path: &Path) -> io::Result<File> {
    let not_regular = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
    if !std::fs::metadata(path)?.is_file() {
        return Err(not_regular());
    }
    let mut options = File::options();
    options.read(true);
    // The file may have become a pipe since. Opened in this mode, even that does not wait.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}
