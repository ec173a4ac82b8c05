//! The image files in a folder.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Folders in folders that are looked into.
const DEPTH: usize = 8;

/// The image files of a folder and of the folders in it, by their extensions, in the order of their names. Hidden files
/// are left out, and links to folders, which may lead back up.
///
/// # Errors
/// [`Error::Read`], [`Error::NoImages`].
pub fn image_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, DEPTH, &mut files)?;
    match files.is_empty() {
        true => Err(Error::NoImages { path: folder.to_owned() }),
        false => Ok(files),
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            collect(&path, depth - 1, files)?;
        } else if images::has_extension(&path) && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}
