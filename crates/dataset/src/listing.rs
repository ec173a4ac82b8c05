//! Image files with their labels, before any of them is read; every layout of files becomes such a listing.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Images of one part.
const MAX_IMAGES: usize = 4_000_000;

/// The image files of a data set.
#[derive(Debug)]
pub(crate) struct Listing {
    /// What the paths are relative to.
    pub(crate) root: PathBuf,
    /// Names of the classes; a label is an index into them.
    pub(crate) classes: Vec<String>,
    /// Training images.
    pub(crate) train: Part,
    /// Validation images, where the source sets them apart.
    pub(crate) val: Option<Part>,
    /// Test images; where there are none, they are split off from the training images.
    pub(crate) test: Option<Part>,
}

/// The image files of one part.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The folder or the list that names the files, for messages.
    pub(crate) place: PathBuf,
    /// Relative to the listing's root.
    pub(crate) paths: Vec<PathBuf>,
    /// Indices of classes, one a path.
    pub(crate) labels: Vec<u16>,
    /// The classes that must have images here, each with the place where they are, for messages.
    pub(crate) classes: Vec<(u16, PathBuf)>,
}

impl Part {
    /// Refuses more than [`MAX_IMAGES`] images, before any is read.
    ///
    /// # Errors
    /// [`Error::Classes`].
    pub(crate) fn check_count(&self) -> Result<()> {
        check_count(&self.place, self.paths.len())
    }
}

fn check_count(place: &Path, n: usize) -> Result<()> {
    if n <= MAX_IMAGES {
        return Ok(());
    }
    let reason = format!("it contains more than {MAX_IMAGES} images: remove some");
    Err(Error::Classes { path: place.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn too_many_images_are_refused_before_any_is_read() {
        assert!(check_count(Path::new("/data/train"), MAX_IMAGES).is_ok());
        let error = check_count(Path::new("/data/train"), MAX_IMAGES + 1).unwrap_err();
        assert!(error.to_string().contains("/data/train"), "{error}");
        assert!(error.to_string().contains("4000000"), "{error}");
    }
}
