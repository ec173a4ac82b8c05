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

/// Where something that was made of image files is kept.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    folder: PathBuf,
    key: [u8; DIGEST],
}

impl Entry {
    /// The place in `cache` of what is made of the files `paths`, relative to `root`, as `how` says. None where it is not
    /// worth it, or where a file cannot be looked at.
    pub(crate) fn of(cache: &Path, root: &Path, paths: &[PathBuf], how: &str) -> Option<Self> {
        let mut hasher = Sha256::new();
        let mut text = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        text(env!("CARGO_PKG_VERSION").as_bytes());
        text(how.as_bytes());
        let mut length = 0;
        for path in paths {
            let metadata = root.join(path).metadata().ok()?;
            text(path.as_os_str().as_encoded_bytes());
            text(&changed(&metadata));
            length += metadata.len();
        }
        let folder = cache.join(FOLDER);
        (length >= LEAST).then(|| Self { folder, key: hasher.finalize().into() })
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
fn changed(metadata: &Metadata) -> Vec<u8> {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut bytes = metadata.len().to_le_bytes().to_vec();
    bytes.extend(since.unwrap_or_default().as_nanos().to_le_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        bytes.extend([metadata.ctime(), metadata.ctime_nsec()].map(i64::to_le_bytes).concat());
    }
    bytes
}

#[cfg(test)]
mod tests;
