//! The list of a run's images: which file is in which part.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::record::read_csv;

/// An image of a run that came from a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedImage {
    /// `train`, `validation` or `test`.
    pub part: String,
    /// Its position among the test images, or among the training and validation images together; from 0.
    pub index: u32,
    /// The file, relative to the folder of the images.
    pub path: String,
    /// Name of its class.
    pub label: String,
}

/// Writes the list as CSV with a header, atomically.
///
/// # Errors
/// [`Error::Write`].
pub fn write_image_list(path: &Path, images: &[ListedImage]) -> Result<()> {
    let write = |source| Error::Write { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for image in images {
        writer.serialize(image).map_err(|error| write(error.into()))?;
    }
    let bytes = writer.into_inner();
    let bytes = bytes.map_err(|error| write(std::io::Error::other(error.to_string())))?;
    write_atomically(path, &bytes)
}

/// Reads a list that [`write_image_list`] wrote.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`] with the line.
pub fn read_image_list(path: &Path) -> Result<Vec<ListedImage>> {
    read_csv(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.csv");
        let image = |index: u32, path: &str| ListedImage {
            part: "test".to_owned(),
            index,
            path: path.to_owned(),
            label: "a, b".to_owned(),
        };
        let images = [image(0, "x/1.png"), image(7, "x/\"2\".png")];
        write_image_list(&path, &images).unwrap();
        assert_eq!(read_image_list(&path).unwrap(), images);
        std::fs::write(&path, "part,index,path,label\ntest,first,x,y\n").unwrap();
        let error = read_image_list(&path).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    }
}
