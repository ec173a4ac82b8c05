//! The folder in which downloaded files are kept.

use std::fs::File;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::download::{Remote, fetch};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::hash::sha256;
use crate::idx;

/// Where MNIST is kept once downloaded, decompressed: `kiln/mnist` in the platform's cache folder. It takes 55 MB.
#[must_use]
pub fn default_cache() -> PathBuf {
    let cache = etcetera::choose_base_strategy().map(|strategy| strategy.cache_dir());
    cache.unwrap_or_else(|_| std::env::temp_dir()).join("kiln").join("mnist")
}

/// Four intact files in `cache`; what is missing or damaged is downloaded from `mirrors`. Without mirrors there is no
/// download.
pub(crate) fn obtain(
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
        let damaged = candidates(remote, cache).into_iter().find(|path| path.is_file());
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
        idx::read(path, idx::LONGEST_OF_MNIST).is_ok_and(|bytes| sha256(&[&bytes]) == remote.sha256)
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
