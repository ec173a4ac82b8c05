//! Reads the text files of a run within bounds: whatever lies under their names, memory does not run out.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// Largest text file that is read, in bytes. The predictions of four million images have less.
const MOST: u64 = 512 << 20;

/// Reads a file whole.
///
/// # Errors
/// [`Error::Read`], also where the file is larger than any that kiln writes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST {
            return Err(io::Error::other(format!(
                "it is no file of kiln's: more than {MOST} bytes"
            )));
        }
        Ok(bytes)
    };
    read().map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// Reads a file of UTF-8 whole.
///
/// # Errors
/// As [`read`]; [`Error::Malformed`] where it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::Malformed {
        path: path.to_owned(),
        reason: "it is not UTF-8".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_has_no_end_is_refused_and_so_is_what_is_no_text() {
        let endless = read(Path::new("/dev/zero")).unwrap_err();
        assert!(matches!(endless, Error::Read { .. }), "{endless}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().contains("not UTF-8"));
    }
}
