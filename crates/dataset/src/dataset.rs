//! A loaded data set.

use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use run::DataSettings;

use crate::error::Result;
use crate::event::Event;
use crate::examples::Examples;
use crate::hash::sha256;
use crate::layout::list;
use crate::source::Source;
use crate::split::{Split, split, subset};

/// The most classes of a data set: as many as ImageNet has.
pub(crate) const MAX_CLASSES: usize = 1000;

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
    /// The folder of the images, to which paths are relative; empty where images have no files of their own.
    pub root: PathBuf,
    /// The file of each training image, relative to the folder of the images; empty where images have no files of their
    /// own.
    pub train_paths: Vec<PathBuf>,
    /// How many of these, the last ones, the source itself sets apart for validation; 0 where it does not.
    pub n_val: usize,
    /// Test images.
    pub test: Examples,
    /// The file of each test image, as for the training images.
    pub test_paths: Vec<PathBuf>,
    /// SHA-256 over training pixels, training labels, test pixels and test labels, in lower-case hexadecimal.
    pub sha256: String,
}

impl Dataset {
    /// Images of one shape that have no files of their own.
    pub(crate) fn of_stored(
        name: String,
        source: Source,
        classes: Vec<String>,
        preparation: Preparation,
        [train, test]: [Examples; 2],
    ) -> Self {
        Self {
            name,
            synthetic: source == Source::Synthetic,
            source,
            classes,
            shape: train.shape,
            preparation,
            root: PathBuf::new(),
            sha256: hash(&train, &test),
            train,
            train_paths: Vec::new(),
            n_val: 0,
            test,
            test_paths: Vec::new(),
        }
    }

    /// The images of each part: training and validation, and the indices of the test images.
    ///
    /// Validation takes the images that the source sets apart, else those of [`split`]; a `val_fraction` of 0 trains on
    /// all. At most `settings.limit` images of each part are used, drawn at random by `settings.split_seed`; the test
    /// images stay in their order. A class without training or test images is a warning.
    ///
    /// # Errors
    /// As [`split`].
    pub fn parts(
        &self,
        settings: &DataSettings,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Split, Vec<u32>)> {
        let DataSettings { limit, val_fraction, split_seed, .. } = *settings;
        let parts = if self.n_val > 0 && val_fraction > 0.0 {
            let n_train = self.train.len() - self.n_val;
            let val = subset(self.n_val, limit, split_seed);
            Split {
                train: subset(n_train, limit, split_seed),
                val: val.into_iter().map(|index| n_train as u32 + index).collect(),
            }
        } else {
            let mut parts = split(&self.train.labels, settings)?;
            if limit > 0 {
                // The split has shuffled both.
                parts.train.truncate(limit);
                parts.val.truncate(limit);
            }
            parts
        };
        let test = subset(self.test.len(), limit, split_seed);
        self.warn_of_missing("training", &self.train, &parts.train, on_event);
        self.warn_of_missing("test", &self.test, &test, on_event);
        Ok((parts, test))
    }

    /// Warns of classes of which `part` has no image.
    fn warn_of_missing(
        &self,
        part: &str,
        examples: &Examples,
        indices: &[u32],
        on_event: &mut dyn FnMut(Event<'_>),
    ) {
        let mut found = vec![false; self.classes.len()];
        indices.iter().for_each(|&i| found[usize::from(examples.labels[i as usize])] = true);
        let missing = self.classes.iter().zip(found).filter(|(_, found)| !found);
        let missing: Vec<String> = missing.map(|(class, _)| class.clone()).collect();
        if !missing.is_empty() {
            let effect = match part {
                "training" => "the network cannot learn them",
                _ => "the scores say nothing about them",
            };
            let (n, classes) = (missing.len(), list(&missing));
            let of = self.classes.len();
            on_event(Event::Warning(&format!(
                "{n} of {of} classes ({classes}) have no {part} images: {effect}"
            )));
        }
    }
}

/// The hash for [`Dataset::sha256`].
pub(crate) fn hash(train: &Examples, test: &Examples) -> String {
    let [of_train, of_test] = [train, test].map(|examples| label_bytes(&examples.labels));
    sha256(&[&train.pixels, &of_train, &test.pixels, &of_test])
}

/// Labels as they are hashed: a byte each, as in MNIST's files, or two, the lower one first, where there are more.
pub(crate) fn label_bytes(labels: &[u16]) -> Vec<u8> {
    let bytes: std::result::Result<Vec<u8>, _> =
        labels.iter().map(|&label| u8::try_from(label)).collect();
    bytes.unwrap_or_else(|_| labels.iter().flat_map(|label| label.to_le_bytes()).collect())
}

/// The name of a data set that is known by its folder alone.
pub(crate) fn folder_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The name of a data set that is known by a file or its folder alone.
pub(crate) fn stem(path: &Path) -> String {
    if path.is_dir() {
        return folder_name(path);
    }
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The names of the digits from 0 to `n - 1`.
pub(crate) fn digit_names(n: u8) -> Vec<String> {
    (0..n).map(|digit| digit.to_string()).collect()
}
