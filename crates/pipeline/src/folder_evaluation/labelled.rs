//! Folders whose folders are called like classes.

use std::path::{Path, PathBuf};

use serve_lite::image_files;

use crate::error::{Error, Result};

/// Whether `folder` has folders that are called like classes: then it is labelled, and no data set in parts.
#[must_use]
pub fn is_labelled(folder: &Path, classes: &[String]) -> bool {
    let folders = subfolders(folder);
    folders.iter().any(|folder| class_of(folder, classes).is_some())
}

/// The image files of the classes' folders, and the index of each one's class. Folders without images are passed over,
/// whatever they are called.
pub(super) fn labelled_files(folder: &Path, classes: &[String]) -> Result<Vec<(PathBuf, usize)>> {
    let mut files = Vec::new();
    for path in subfolders(folder) {
        let images = match image_files(&path) {
            Err(serve_lite::Error::NoImages { .. }) => continue,
            found => found?,
        };
        let Some(class) = class_of(&path, classes) else {
            return Err(Error::UnknownClass { path, classes: classes.join(", ") });
        };
        files.extend(images.into_iter().map(|file| (file, class)));
    }
    Ok(files)
}

/// The folders in a folder that are not hidden, in the order of their names.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(std::io::Result::ok);
    let is_hidden = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut folders: Vec<_> = folders.filter(|path| !is_hidden(path)).collect();
    folders.sort();
    folders
}

fn class_of(folder: &Path, classes: &[String]) -> Option<usize> {
    let name = folder.file_name()?.to_string_lossy();
    classes.iter().position(|class| *class == name)
}
