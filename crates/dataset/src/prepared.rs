//! Prepared images, kept in the cache so that a second run on unchanged files starts at once.
//!
//! ```text
//! magic | key | length of head | length of body | head | body | SHA-256 of all before it
//! ```
//!
//! A file's name is its key: a hash of the images' relative paths, sizes and times of change, and of what is done to
//! them. A file that is damaged, or that another version wrote, is ignored.

use std::fs::{File, Metadata};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// The folder in the cache.
const FOLDER: &str = "prepared";
/// Files that are kept, the ones used last: those of four data sets, each with a sample, training and test images.
const KEPT: usize = 12;
/// Images whose files are smaller together, in bytes, are not kept: reading them takes less than a second.
const LEAST: u64 = 4 << 20;
const MAGIC: [u8; 16] = *b"kiln prepared 1\n";
const DIGEST: usize = 32;
const HEADER: usize = MAGIC.len() + DIGEST + 16;

/// Which image files there are, and in which state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    digest: [u8; DIGEST],
    /// Bytes of all files.
    length: u64,
}

impl Stamp {
    /// Of the files `paths`, relative to `root`; none where one of them cannot be looked at.
    pub(crate) fn of(root: &Path, paths: &[PathBuf]) -> Option<Self> {
        let look = |path: &PathBuf| root.join(path).metadata().ok().map(|m| (m.len(), changed(&m)));
        let states: Option<Vec<_>> = paths.par_iter().map(look).collect();
        let mut hasher = Sha256::new();
        let mut length = 0;
        for (path, (bytes, state)) in paths.iter().zip(states?) {
            let path = path.as_os_str().as_encoded_bytes();
            hasher.update((path.len() as u64).to_le_bytes());
            hasher.update(path);
            hasher.update(state);
            length += bytes;
        }
        Some(Self { digest: hasher.finalize().into(), length })
    }
}

/// Where something that was made of image files is kept.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    folder: PathBuf,
    key: [u8; DIGEST],
}

impl Entry {
    /// The place in `cache` of what is made of files as `how` says. None where a stamp is missing, or it is not worth it.
    pub(crate) fn of(cache: &Path, stamps: &[&Option<Stamp>], how: &str) -> Option<Self> {
        let stamps: Vec<&Stamp> =
            stamps.iter().map(|stamp| stamp.as_ref()).collect::<Option<_>>()?;
        let digests: Vec<u8> = stamps.iter().flat_map(|stamp| stamp.digest).collect();
        let key = digest(&[&digests, env!("CARGO_PKG_VERSION").as_bytes(), &[0], how.as_bytes()]);
        let length: u64 = stamps.iter().map(|stamp| stamp.length).sum();
        (length >= LEAST).then(|| Self { folder: cache.join(FOLDER), key })
    }

    fn path(&self) -> PathBuf {
        let name: String = self.key.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }

    /// Reads a head and a body that were written for this entry; `length` says how long the body must be for that head.
    pub(crate) fn read(
        &self,
        length: impl Fn(&[u8]) -> Option<usize>,
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let path = self.path();
        let metadata = path.metadata().ok().filter(Metadata::is_file)?;
        let mut file = BufReader::new(File::open(&path).ok()?);
        let mut header = [0; HEADER];
        file.read_exact(&mut header).ok()?;
        let field = |at: usize| {
            let bytes = header[MAGIC.len() + DIGEST + at..][..8].try_into().unwrap_or_default();
            usize::try_from(u64::from_le_bytes(bytes)).ok()
        };
        let lengths = [field(0)?, field(8)?];
        let all = lengths.iter().try_fold(HEADER + DIGEST, |all, part| all.checked_add(*part))?;
        let known = header[..MAGIC.len()] == MAGIC && header[MAGIC.len()..][..DIGEST] == self.key;
        if !known || metadata.len() != all as u64 {
            return None;
        }
        let mut read = |length: usize| {
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes).ok().map(|()| bytes)
        };
        let head = read(lengths[0])?;
        if length(&head) != Some(lengths[1]) {
            return None;
        }
        let body = read(lengths[1])?;
        let digest = digest(&[&header, &head, &body]);
        if read(DIGEST)? != digest {
            return None;
        }
        // What was used last is kept longest.
        let _ = File::options().append(true).open(&path).map(|f| f.set_modified(SystemTime::now()));
        Some((head, body))
    }

    /// Writes a head and a body, and removes what was not used for longest.
    ///
    /// # Errors
    /// [`run::Error`] where the file cannot be written.
    pub(crate) fn write(&self, head: &[u8], body: &[u8]) -> run::Result<()> {
        let make = |source| run::Error::Write { path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(make)?;
        let lengths = [head, body].map(|part| (part.len() as u64).to_le_bytes()).concat();
        let header = [&MAGIC[..], &self.key, &lengths].concat();
        let digest = digest(&[&header, head, body]);
        // Before, so that a full disk has room for the new one.
        self.prune();
        run::write_parts_atomically(&self.path(), &[&header, head, body, &digest])
    }

    /// Removes all but the newest files, and one more to make room.
    fn prune(&self) {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .filter(|(_, path)| path.is_file())
            .collect();
        files.sort();
        let many = (files.len() + 1).saturating_sub(KEPT);
        files.into_iter().take(many).for_each(|(_, path)| drop(std::fs::remove_file(path)));
    }
}

fn digest(parts: &[&[u8]]) -> [u8; DIGEST] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// Size and times of a file. The time of modification can be set, as archives do, to what it was for other content; that
/// of the last change cannot.
fn changed(metadata: &Metadata) -> [u8; 40] {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut state = [0; 40];
    state[..8].copy_from_slice(&metadata.len().to_le_bytes());
    state[8..24].copy_from_slice(&since.unwrap_or_default().as_nanos().to_le_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        state[24..32].copy_from_slice(&metadata.ctime().to_le_bytes());
        state[32..].copy_from_slice(&metadata.ctime_nsec().to_le_bytes());
    }
    state
}

#[cfg(test)]
mod tests;
