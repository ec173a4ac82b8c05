//! Datasets in MNIST's shape: MNIST itself, from the cache or a mirror, and folders like it.

use std::fs::File;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::download::{Remote, fetch};
use crate::error::{Error, Result};
use crate::load::{Dataset, Event, Source, dataset_sha256, folder_name, sha256};
use crate::{download, idx};

/// SHA-256 of MNIST's four files, decompressed, in the order of [`idx::ROLES`].
const MNIST_SHA256: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];
/// SHA-256 of Fashion-MNIST's labels, decompressed: training, test. 70,000 labels in that order
/// belong to no other dataset, and only its classes' names depend on them.
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
/// Copies of MNIST that are kept up: those of TensorFlow and of PyTorch.
const MIRRORS: [&str; 2] = [
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
];

/// Where MNIST is kept once downloaded: `kiln/mnist` in the platform's cache folder.
#[must_use]
pub fn default_cache() -> PathBuf {
    let cache = etcetera::choose_base_strategy().map(|strategy| strategy.cache_dir());
    cache.unwrap_or_else(|_| std::env::temp_dir()).join("kiln").join("mnist")
}

/// MNIST from the cache, or from a mirror. Its hashes are checked at every load.
pub(crate) fn load(
    cache: &Path,
    offline: bool,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let remotes: [Remote; 4] = std::array::from_fn(|part| Remote {
        name: format!("{}.gz", idx::ROLES[part].name),
        sha256: MNIST_SHA256[part].to_owned(),
    });
    let mirrors = if offline { &[] } else { &MIRRORS[..] };
    let bytes = obtain(&remotes, cache, &download::agent(), mirrors, on_event)?;
    let (train, test) = idx::parse(bytes)?;
    Ok(Dataset {
        name: "MNIST".to_owned(),
        source: Source::Mnist,
        synthetic: false,
        classes: digits(10),
        sha256: dataset_sha256(&train, &test),
        train,
        test,
    })
}

/// The decompressed bytes of four files from `cache`, where `mirrors` fill what is missing or
/// damaged. No mirror means no download.
fn obtain(
    remotes: &[Remote; 4],
    cache: &Path,
    agent: &ureq::Agent,
    mirrors: &[&str],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<[Vec<u8>; 4]> {
    let mut lock = None;
    let mut files = [const { Vec::new() }; 4];
    for (bytes, remote) in files.iter_mut().zip(remotes) {
        if let Some(cached) = cached(remote, cache) {
            *bytes = cached;
            continue;
        }
        let path = cache.join(&remote.name);
        let damaged = path.exists();
        if damaged {
            let fate = if mirrors.is_empty() { "is not used" } else { "is downloaded again" };
            on_event(Event::Notice(&format!("{} is damaged and {fate}", path.display())));
        }
        if mirrors.is_empty() {
            return Err(Error::Offline { path });
        }
        if lock.is_none() {
            lock = Some(lock_cache(cache)?);
        }
        // Another process may have filled the cache while this one waited for the lock.
        *bytes = match self::cached(remote, cache) {
            Some(cached) => cached,
            None => fetch(remote, cache, agent, mirrors, on_event)?,
        };
    }
    Ok(files)
}

/// A file's decompressed bytes, if it is in the cache and its hash is right.
fn cached(remote: &Remote, cache: &Path) -> Option<Vec<u8>> {
    let bytes = idx::read(&cache.join(&remote.name)).ok()?;
    (sha256(&[&bytes]) == remote.sha256).then_some(bytes)
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

/// A user's own folder with four files in MNIST's shape.
pub(crate) fn load_directory(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    let paths = idx::find(path)?;
    let mut bytes = [const { Vec::new() }; 4];
    for (bytes, path) in bytes.iter_mut().zip(&paths) {
        *bytes = idx::read(path)?;
    }
    idx::check(&paths, &bytes)?;
    let hashes = bytes.each_ref().map(|bytes| sha256(&[bytes]));
    let (train, test) = idx::parse(bytes)?;

    let different: Vec<_> = (0..4).filter(|&part| hashes[part] != MNIST_SHA256[part]).collect();
    if let [part] = different[..] {
        on_event(Event::Notice(&format!(
            "{} is not MNIST's, though the other three are: download it again if it should be",
            paths[part].display()
        )));
    }
    let largest = train.labels.iter().chain(&test.labels).max().map_or(0, |&label| label);
    let (name, classes) = if different.is_empty() {
        ("MNIST".to_owned(), digits(10))
    } else if [hashes[1].as_str(), hashes[3].as_str()] == FASHION_LABELS_SHA256 {
        ("Fashion-MNIST".to_owned(), FASHION_CLASSES.map(str::to_owned).to_vec())
    } else {
        // One class alone would leave nothing to tell apart.
        (folder_name(path), digits(largest.max(1) + 1))
    };
    Ok(Dataset {
        name,
        source: Source::Directory(path.to_owned()),
        synthetic: false,
        classes,
        sha256: dataset_sha256(&train, &test),
        train,
        test,
    })
}

/// The names of the first `n` digits.
pub(crate) fn digits(n: u8) -> Vec<String> {
    (0..n).map(|digit| digit.to_string()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::download::tests::{local_agent, mirror, reply};

    /// Four small files with their hashes, in a cache of their own.
    fn filled_cache() -> (tempfile::TempDir, [Remote; 4]) {
        let cache = tempfile::tempdir().unwrap();
        let remotes = std::array::from_fn(|part| {
            let bytes = vec![part as u8; 100];
            let remote = Remote { name: format!("part-{part}"), sha256: sha256(&[&bytes]) };
            std::fs::write(cache.path().join(&remote.name), bytes).unwrap();
            remote
        });
        (cache, remotes)
    }

    #[test]
    fn a_whole_cache_needs_no_network_and_no_write() {
        let (cache, remotes) = filled_cache();
        let mut silent = |event: Event<'_>| panic!("{event:?}");
        let bytes = obtain(&remotes, cache.path(), &local_agent(), &[], &mut silent).unwrap();
        assert_eq!(bytes, [[0; 100], [1; 100], [2; 100], [3; 100]].map(|bytes| bytes.to_vec()));
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 4);
    }

    #[test]
    fn one_flipped_bit_in_the_cache_is_found_and_the_file_downloaded_again() {
        let (cache, remotes) = filled_cache();
        let path = cache.path().join("part-2");
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
        assert!(error.to_string().contains("part-2"));

        let (address, requests) = mirror(vec![reply("200 OK", good.len(), &good)]);
        let bytes = obtain(&remotes, cache.path(), &local_agent(), &[&address], &mut listen);
        assert_eq!(bytes.unwrap()[2], good);
        assert_eq!(std::fs::read(&path).unwrap(), good);
        assert_eq!(requests.try_iter().count(), 1);
        assert_eq!(notices.len(), 2);
        assert!(notices.iter().all(|notice| notice.contains("part-2")), "{notices:?}");
        assert!(notices[1].contains("downloaded again"), "{notices:?}");
    }

    #[test]
    fn the_default_cache_is_kilns_own() {
        assert!(default_cache().ends_with("kiln/mnist"));
    }
}
