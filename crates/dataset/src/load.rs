//! Where pictures come from, and the dataset they become.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::{folder, idx, mnist, synthetic};

/// Where the pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The first that can be had: the folder named by `KILN_DATA`, MNIST from the cache, MNIST from
    /// a mirror, and drawn digits, with a warning, where none of these can.
    Auto,
    /// MNIST from the cache, or from a mirror.
    Mnist,
    /// Digits that kiln draws itself.
    Synthetic,
    /// MNIST's four files, or pictures in `train/CLASS/` and `test/CLASS/`.
    Directory(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    /// `auto`, `mnist`, `synthetic`, else a folder; a folder of such a name is `./mnist`.
    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "mnist" => Self::Mnist,
            "synthetic" => Self::Synthetic,
            folder => Self::Directory(folder.into()),
        })
    }
}

impl Display for Source {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Mnist => formatter.write_str("mnist"),
            Self::Synthetic => formatter.write_str("synthetic"),
            Self::Directory(path) => path.display().fmt(formatter),
        }
    }
}

/// What [`load`] must know besides the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where downloaded files are kept; see [`default_cache`](crate::default_cache).
    pub cache: PathBuf,
    /// The value of the environment variable `KILN_DATA`, which [`Source::Auto`] tries first.
    pub kiln_data: Option<PathBuf>,
    /// Seed of the digits that [`Source::Synthetic`] draws.
    pub synthetic_seed: u32,
    /// Never downloads.
    pub offline: bool,
}

/// What a front end may want to show while [`load`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A download goes on.
    Downloading {
        /// Name of the file.
        file: &'a str,
        /// Bytes that are there, those of an earlier attempt included.
        received: u64,
        /// Bytes of the whole file, if the mirror says.
        total: Option<u64>,
    },
    /// Something unusual that changes nothing about the result, or that the user asked for.
    Notice(&'a str),
    /// Something that changes what the numbers of a run mean: it must not be missed.
    Warning(&'a str),
}

/// Verified pictures and labels. The test part is never drawn from the training part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// `MNIST` or `Fashion-MNIST` where the files' hashes say so, else the folder's name, or
    /// `synthetic digits`.
    pub name: String,
    /// What the source resolved to: never [`Source::Auto`], and a directory's path is absolute.
    pub source: Source,
    /// Whether kiln drew the pictures itself.
    pub synthetic: bool,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// Training pictures, before the split into training and validation.
    pub train: Examples,
    /// Test pictures.
    pub test: Examples,
    /// SHA-256 over training pixels, training labels, test pixels and test labels, in lower-case
    /// hexadecimal.
    pub sha256: String,
}

/// Loads a dataset, and verifies it as far as can be.
///
/// `on_event` hears of downloads and of what is unusual; a front end decides what it shows.
///
/// # Errors
/// Whatever is wrong with the source: see [`Error`]. [`Source::Auto`] fails only if `KILN_DATA` is
/// set and wrong.
pub fn load(
    source: &Source,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    match source {
        Source::Auto => auto(options, on_event),
        Source::Mnist => mnist::load(&options.cache, options.offline, on_event),
        Source::Synthetic => Ok(synthetic::draw(options.synthetic_seed)),
        Source::Directory(path) => directory(path, on_event),
    }
}

fn auto(options: &LoadOptions, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    if let Some(path) = options.kiln_data.as_ref().filter(|path| !path.as_os_str().is_empty()) {
        return directory(path, on_event);
    }
    mnist::load(&options.cache, options.offline, on_event).or_else(|error| {
        let reason = reasons(&error);
        on_event(Event::Warning(&format!(
            "real MNIST could not be had: {reason}. These are SYNTHETIC digits, drawn by kiln, and \
             every number below is about them. For MNIST itself put its four files in a folder and \
             name it with --data DIR or KILN_DATA"
        )));
        Ok(synthetic::draw(options.synthetic_seed))
    })
}

/// An error with all that caused it.
fn reasons(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", reasons(source)),
        None => error.to_string(),
    }
}

fn directory(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    if !path.is_dir() {
        return Err(Error::NoFolder { path: path.to_owned() });
    }
    let path = &std::path::absolute(path)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if idx::is_in(path) {
        mnist::load_directory(path, on_event)
    } else if path.join("train").is_dir() || path.join("test").is_dir() {
        folder::load(path, on_event)
    } else {
        Err(Error::NoData { path: path.clone() })
    }
}

/// A dataset's name for a folder that nothing better is known of.
pub(crate) fn folder_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// SHA-256 over the parts of a dataset, in the order that [`Dataset::sha256`] states.
pub(crate) fn dataset_sha256(train: &Examples, test: &Examples) -> String {
    sha256(&[&train.pixels, &train.labels, &test.pixels, &test.labels])
}

/// SHA-256 over all `parts`, one after the other, in lower-case hexadecimal.
pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    format!("{:x}", hasher.finalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sources_are_read_as_they_are_shown() {
        for text in ["auto", "mnist", "synthetic", "./mnist", "/data/my digits"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        assert_eq!("auto".parse(), Ok(Source::Auto));
        assert_eq!("./mnist".parse(), Ok(Source::Directory("./mnist".into())));
    }

    #[test]
    fn without_data_auto_draws_digits_and_warns() {
        let cache = tempfile::tempdir().unwrap();
        let options = LoadOptions {
            cache: cache.path().to_owned(),
            kiln_data: Some(PathBuf::new()),
            synthetic_seed: 1,
            offline: true,
        };
        let mut warnings = Vec::new();
        let dataset = load(&Source::Auto, &options, &mut |event| match event {
            Event::Warning(text) => warnings.push(text.to_owned()),
            event => panic!("{event:?}"),
        })
        .unwrap();
        assert!(dataset.synthetic);
        assert_eq!(dataset.source, Source::Synthetic);
        assert_eq!(warnings.len(), 1);
        for part in ["SYNTHETIC", "--data", "KILN_DATA", cache.path().to_str().unwrap()] {
            assert!(warnings[0].contains(part), "{part}: {}", warnings[0]);
        }
    }

    #[test]
    fn a_wrong_kiln_data_is_an_error_rather_than_other_data() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("nowhere");
        let options = LoadOptions {
            cache: cache.path().to_owned(),
            kiln_data: Some(path.clone()),
            synthetic_seed: 1,
            offline: true,
        };
        let error = load(&Source::Auto, &options, &mut |_| ()).unwrap_err();
        assert!(matches!(&error, Error::NoFolder { path: named } if *named == path), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }

    #[test]
    fn a_folder_without_data_says_what_belongs_there() {
        let folder = tempfile::tempdir().unwrap();
        let error = directory(folder.path(), &mut |_| ()).unwrap_err();
        assert!(matches!(error, Error::NoData { .. }), "{error:?}");
        assert!(error.to_string().contains("train/CLASS/"));
    }
}
