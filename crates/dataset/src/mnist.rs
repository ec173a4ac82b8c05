//! MNIST, from the cache or a mirror, and folders with four files in its format.

use std::fs::File;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::dataset::{Dataset, digit_names, folder_name, hash};
use crate::download::{Remote, agent, fetch};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::hash::sha256;
use crate::idx;
use crate::source::Source;

/// SHA-256 of MNIST's four files, decompressed, in the order of [`idx::ROLES`].
const MNIST_SHA256: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];
/// SHA-256 of Fashion-MNIST's label files, decompressed: training, test. 70,000 labels in that order identify it; only
/// the names of the classes depend on the match.
const FASHION_LABELS_SHA256: [&str; 2] = [
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
];
/// Fashion-MNIST's classes, as its authors name them.
const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];
/// Maintained copies of MNIST: those of TensorFlow and of PyTorch. Why without TLS: see [`download`](crate::download).
const MIRRORS: [&str; 2] = [
    "http://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://ossci-datasets.s3.amazonaws.com/mnist/",
];

/// Where MNIST is kept once downloaded: `kiln/mnist` in the platform's cache folder.
#[must_use]
pub fn default_cache() -> PathBuf {
    let cache = etcetera::choose_base_strategy().map(|strategy| strategy.cache_dir());
    cache.unwrap_or_else(|_| std::env::temp_dir()).join("kiln").join("mnist")
}

/// MNIST from the cache, or from a mirror. The files' hashes are checked at every load.
pub(crate) fn load(
    cache: &Path,
    offline: bool,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let remotes: [Remote; 4] = std::array::from_fn(|file| Remote {
        name: idx::ROLES[file].name.to_owned(),
        sha256: MNIST_SHA256[file].to_owned(),
    });
    let mirrors = if offline { &[] } else { &MIRRORS[..] };
    let paths = obtain(&remotes, cache, &agent(), mirrors, on_event)?;
    let (train, test) = idx::load(&paths)?;
    Ok(dataset("MNIST".to_owned(), Source::Mnist, digit_names(10), train, test))
}

/// Four intact files in `cache`; what is missing or damaged is downloaded from `mirrors`. Without mirrors there is no
/// download.
fn obtain(
    remotes: &[Remote; 4],
    cache: &Path,
    agent: &ureq::Agent,
    mirrors: &[&str],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<[PathBuf; 4]> {
    let mut lock = None;
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, remote) in paths.iter_mut().zip(remotes) {
        if let Some(intact) = intact(remote, cache) {
            *path = intact;
            continue;
        }
        let damaged = candidates(remote, cache).into_iter().find(|path| path.exists());
        if let Some(path) = &damaged {
            let action = if mirrors.is_empty() { "is not used" } else { "is downloaded again" };
            on_event(Event::Notice(&format!("{} is damaged and {action}", path.display())));
        }
        if mirrors.is_empty() {
            return Err(Error::Offline { path: damaged.unwrap_or(cache.join(&remote.name)) });
        }
        if lock.is_none() {
            lock = Some(lock_cache(cache)?);
        }
        // Another process may have filled the cache while this one waited for the lock.
        *path = match self::intact(remote, cache) {
            Some(intact) => intact,
            None => fetch(remote, cache, agent, mirrors, on_event)?,
        };
    }
    Ok(paths)
}

/// Where a file can be in the cache: decompressed, or as earlier versions of kiln and users' own downloads have it.
fn candidates(remote: &Remote, cache: &Path) -> [PathBuf; 2] {
    [cache.join(&remote.name), cache.join(format!("{}.gz", remote.name))]
}

/// The file in the cache, if its hash is correct.
fn intact(remote: &Remote, cache: &Path) -> Option<PathBuf> {
    let is_intact = |path: &PathBuf| {
        idx::read(path).is_ok_and(|bytes| sha256(&[&bytes]) == remote.sha256)
    };
    candidates(remote, cache).into_iter().find(is_intact)
}

/// Keeps other processes from downloading into the same cache until the file is dropped.
fn lock_cache(cache: &Path) -> Result<File> {
    let refuse = |path: &Path, source| Error::Write { path: path.to_owned(), source };
    std::fs::create_dir_all(cache).map_err(|source| refuse(cache, source))?;
    let path = cache.join(".lock");
    let file = File::create(&path).map_err(|source| refuse(&path, source))?;
    // A file system without locks still serves the one process that most users run.
    let _ = file.lock();
    Ok(file)
}

/// A user's own folder with four files in MNIST's format.
pub(crate) fn load_directory(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    let paths = idx::find(path)?;
    let (train, test) = idx::load(&paths)?;
    let hashes = idx::file_hashes(&train, &test);

    let different: Vec<_> = (0..4).filter(|&file| hashes[file] != MNIST_SHA256[file]).collect();
    if let [file] = different[..] {
        on_event(Event::Notice(&format!(
            "{} is not MNIST's, but the other three files are: download it again if it should be",
            paths[file].display()
        )));
    }
    let largest = train.labels.iter().chain(&test.labels).max().map_or(0, |&label| label);
    let (name, classes) = if different.is_empty() {
        ("MNIST".to_owned(), digit_names(10))
    } else if [hashes[1].as_str(), hashes[3].as_str()] == FASHION_LABELS_SHA256 {
        ("Fashion-MNIST".to_owned(), FASHION_CLASSES.map(str::to_owned).to_vec())
    } else {
        // A classifier needs two classes at least.
        (folder_name(path), digit_names(largest.max(1) + 1))
    };
    Ok(dataset(name, Source::Directory(path.to_owned()), classes, train, test))
}

fn dataset(
    name: String,
    source: Source,
    classes: Vec<String>,
    train: Examples,
    test: Examples,
) -> Dataset {
    let sha256 = hash(&train, &test);
    Dataset { name, source, synthetic: false, classes, shape: idx::SHAPE, train, test, sha256 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::download::tests::{local_agent, mirror, reply};

    /// Four small files with their hashes, in a cache of their own.
    fn filled_cache() -> (tempfile::TempDir, [Remote; 4]) {
        let cache = tempfile::tempdir().unwrap();
        let remotes = std::array::from_fn(|file| {
            let bytes = vec![file as u8; 100];
            let remote = Remote { name: format!("file-{file}"), sha256: sha256(&[&bytes]) };
            std::fs::write(cache.path().join(&remote.name), bytes).unwrap();
            remote
        });
        (cache, remotes)
    }

    #[test]
    fn a_complete_cache_needs_no_network_and_is_not_written_to() {
        let (cache, remotes) = filled_cache();
        let mut silent = |event: Event<'_>| panic!("{event:?}");
        // The cache of an earlier version: compressed, as it was downloaded.
        std::fs::rename(cache.path().join("file-3"), cache.path().join("file-3.gz")).unwrap();
        let paths = obtain(&remotes, cache.path(), &local_agent(), &[], &mut silent).unwrap();
        let expected = ["file-0", "file-1", "file-2", "file-3.gz"];
        assert_eq!(paths, expected.map(|name| cache.path().join(name)));
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_flipped_bit_in_the_cache_is_detected_and_the_file_downloaded_again() {
        let (cache, remotes) = filled_cache();
        let path = cache.path().join("file-2");
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        flipped[50] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let mut notices = Vec::new();
        let mut listen = |event: Event<'_>| {
            if let Event::Notice(text) = event {
                notices.push(text.to_owned());
            }
        };
        let error = obtain(&remotes, cache.path(), &local_agent(), &[], &mut listen).unwrap_err();
        assert!(matches!(&error, Error::Offline { path: named } if *named == path), "{error:?}");
        assert!(error.to_string().contains("file-2"));

        let (address, requests) = mirror(vec![reply("200 OK", good.len(), &good)]);
        let paths = obtain(&remotes, cache.path(), &local_agent(), &[&address], &mut listen);
        assert_eq!(paths.unwrap()[2], path);
        assert_eq!(std::fs::read(&path).unwrap(), good);
        assert_eq!(requests.try_iter().count(), 1);
        assert_eq!(notices.len(), 2);
        assert!(notices.iter().all(|notice| notice.contains("file-2")), "{notices:?}");
        assert!(notices[1].contains("downloaded again"), "{notices:?}");
    }

    #[test]
    fn the_default_cache_is_a_folder_of_kiln() {
        assert!(default_cache().ends_with("kiln/mnist"));
    }
}
