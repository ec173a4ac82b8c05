//! A loaded data set.

use std::path::Path;

use images::{ImageShape, Preparation};

use crate::examples::Examples;
use crate::hash::sha256;
use crate::source::Source;

/// Verified images and labels, divided into a training set and a test set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// `MNIST` or `Fashion-MNIST` where the files' hashes say so, else the folder's name, or `synthetic digits`.
    pub name: String,
    /// What the source resolved to: never [`Source::Auto`], and a directory's path is absolute.
    pub source: Source,
    /// Whether kiln drew the images itself.
    pub synthetic: bool,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// Shape of every image.
    pub shape: ImageShape,
    /// How images become inputs of a network that is trained on these.
    pub preparation: Preparation,
    /// Training images, before the split into training and validation.
    pub train: Examples,
    /// Test images.
    pub test: Examples,
    /// SHA-256 over training pixels, training labels, test pixels and test labels, in lower-case hexadecimal.
    pub sha256: String,
}

/// The hash for [`Dataset::sha256`].
pub(crate) fn hash(train: &Examples, test: &Examples) -> String {
    sha256(&[&train.pixels, &train.labels, &test.pixels, &test.labels])
}

/// The name of a data set that is known by its folder alone.
pub(crate) fn folder_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The names of the digits from 0 to `n - 1`.
pub(crate) fn digit_names(n: u8) -> Vec<String> {
    (0..n).map(|digit| digit.to_string()).collect()
}
