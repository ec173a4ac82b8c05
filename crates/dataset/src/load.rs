//! Loads a data set from any source.

use std::path::{Path, PathBuf};

use run::DataSettings;

use crate::dataset::Dataset;
use crate::dataset::stem;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::layout::{self, Layout};
use crate::listing::Listing;
use crate::source::Source;
use crate::{csv_file, folder, image_files, labels_csv, mnist, pixels_csv, synthetic};

/// What [`load`] must know about the machine it runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where downloaded files and prepared images are kept; see [`default_cache`](crate::default_cache).
    pub cache: PathBuf,
    /// The value of the environment variable `KILN_DATA`, which [`Source::Auto`] tries first.
    pub kiln_data: Option<PathBuf>,
    /// Never download.
    pub offline: bool,
}

/// Loads the data set that `settings.data` names, in the words of [`Source`]'s `from_str`, and verifies it.
///
/// `settings.split_seed` seeds synthetic digits. The split and the limit are not applied here: see
/// [`split`](crate::split). `on_event` receives progress and warnings.
///
/// # Errors
/// Whatever is wrong with the source: see [`Error`]. [`Source::Auto`] fails only if `KILN_DATA` is set and wrong.
pub fn load(
    settings: &DataSettings,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let Ok(source) = settings.data.parse();
    match source {
        Source::Auto => auto(settings, options, on_event),
        Source::Mnist => mnist::load(&options.cache, options.offline, on_event),
        Source::Synthetic => Ok(synthetic::draw(settings.split_seed)),
        Source::Directory(path) => directory(&path, settings, options, on_event),
    }
}

fn auto(
    settings: &DataSettings,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    if let Some(path) = options.kiln_data.as_ref().filter(|path| !path.as_os_str().is_empty()) {
        return directory(path, settings, options, on_event);
    }
    mnist::load(&options.cache, options.offline, on_event).or_else(|error| {
        let reasons = reasons(&error);
        on_event(Event::Warning(&format!(
            "MNIST is not available: {reasons}. Using SYNTHETIC digits, drawn by kiln, instead: every result \
             below is about them. To use MNIST, put its four files in a folder and name it with --data DIR or KILN_DATA"
        )));
        Ok(synthetic::draw(settings.split_seed))
    })
}

/// An error and its sources.
fn reasons(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", reasons(source)),
        None => error.to_string(),
    }
}

fn directory(
    path: &Path,
    settings: &DataSettings,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let found = find(path, on_event)?;
    let path = &found.path;
    match found.images {
        Images::Idx(folder) => mnist::load_directory(path, &folder, settings, on_event),
        Images::Pixels { train, test } => {
            pixels_csv::load(path, &train, test.as_deref(), settings, on_event)
        }
        Images::Files(listing) => {
            image_files::load(stem(path), path, *listing, settings, &options.cache, on_event)
        }
    }
}

/// What a folder or a file contains.
pub(crate) struct Found {
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) images: Images,
}

/// Where images are.
pub(crate) enum Images {
    /// In IDX files in this folder.
    Idx(PathBuf),
    /// In CSV files.
    Pixels { train: PathBuf, test: Option<PathBuf> },
    /// In image files.
    Files(Box<Listing>),
}

/// Finds the images in the folder or the CSV that a user named.
pub(crate) fn find(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Found> {
    if !path.is_dir() && !path.is_file() {
        return Err(Error::NoFolder { path: path.to_owned() });
    }
    let path = std::path::absolute(path)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let (folder, layout) = match path.is_file() {
        true => (path.clone(), csv_file::layout(&path)?),
        false => layout::find(&path, on_event)?,
    };
    let files = |listing| Images::Files(Box::new(listing));
    let images = match layout {
        Layout::Idx => Images::Idx(folder),
        Layout::Parts => files(folder::listing_of_parts(&folder, on_event)?),
        Layout::Classes => files(folder::listing_of_classes(&folder, on_event)?),
        Layout::Labels(csv) => {
            let listing = labels_csv::listing(&csv)?;
            // Whoever names the list itself means its images alone.
            if path.is_dir() {
                labels_csv::notify_unlisted(&listing, on_event);
            }
            files(listing)
        }
        Layout::Pixels { train, test } => Images::Pixels { train, test },
    };
    Ok(Found { path, images })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Loads `data` offline, with an empty cache; returns the warnings too.
    fn offline(data: &str, cache: &Path, kiln_data: PathBuf) -> (Result<Dataset>, Vec<String>) {
        let settings = DataSettings { data: data.to_owned(), ..run::Config::default().data };
        let options =
            LoadOptions { cache: cache.to_owned(), kiln_data: Some(kiln_data), offline: true };
        let mut warnings = Vec::new();
        let dataset = load(&settings, &options, &mut |event| match event {
            Event::Warning(text) => warnings.push(text.to_owned()),
            event => panic!("{event:?}"),
        });
        (dataset, warnings)
    }

    #[test]
    fn without_data_auto_draws_digits_and_warns() {
        let cache = tempfile::tempdir().unwrap();
        let (dataset, warnings) = offline("auto", cache.path(), PathBuf::new());
        let dataset = dataset.unwrap();
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
        let error = offline("auto", cache.path(), path.clone()).0.unwrap_err();
        assert!(matches!(&error, Error::NoFolder { path: named } if *named == path), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()));
    }

    #[test]
    fn a_folder_without_data_is_an_error_that_says_what_to_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let error = offline(folder.path().to_str().unwrap(), folder.path(), PathBuf::new());
        let error = error.0.unwrap_err();
        assert!(matches!(error, Error::NoData { .. }), "{error:?}");
        assert!(error.to_string().contains("train/CLASS/"));
    }
}
