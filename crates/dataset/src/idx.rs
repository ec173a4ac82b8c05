//! The four IDX files of a dataset in MNIST's shape: 60,000 and 10,000 pictures of 28x28.
//!
//! The format is that of LeCun's page: big-endian magic number, counts, then bytes. Everything is
//! checked here first, because the `mnist` crate, which then reads the files, panics on bad ones.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use mnist::{Mnist, MnistBuilder};

use crate::PIXELS;
use crate::error::{Error, Result};
use crate::examples::Examples;

/// Most classes a dataset in MNIST's shape has.
const MAX_CLASSES: u8 = 10;
/// A gzip file's first two bytes (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// More than the longest of the four files: reading on would only feed a decompression bomb.
const MAX_LENGTH: u64 = 16 + 60_000 * PIXELS as u64 + 1;

/// One of the four files.
pub(crate) struct Role {
    /// Its name, without `.gz`.
    pub(crate) name: &'static str,
    /// Whether it holds pictures, rather than labels.
    images: bool,
    /// How many.
    n: u32,
}

/// The four files, in the order that every array of four here has.
pub(crate) const ROLES: [Role; 4] = [
    Role { name: "train-images-idx3-ubyte", images: true, n: 60_000 },
    Role { name: "train-labels-idx1-ubyte", images: false, n: 60_000 },
    Role { name: "t10k-images-idx3-ubyte", images: true, n: 10_000 },
    Role { name: "t10k-labels-idx1-ubyte", images: false, n: 10_000 },
];

impl Role {
    fn kind(&self) -> &'static str {
        if self.images { "pictures" } else { "labels" }
    }

    fn magic(&self) -> u32 {
        if self.images { 0x803 } else { 0x801 }
    }

    fn header_length(&self) -> usize {
        if self.images { 16 } else { 8 }
    }

    /// The file in `folder`, under either spelling of its name, raw or compressed.
    fn find(&self, folder: &Path) -> Option<PathBuf> {
        let dotted = self.name.replace("-idx", ".idx");
        let names = [self.name.to_owned(), dotted];
        let paths = names.iter().flat_map(|name| [name.clone(), format!("{name}.gz")]);
        paths.map(|name| folder.join(name)).find(|path| path.exists())
    }
}

/// Whether any of the four files is in `folder`.
pub(crate) fn is_in(folder: &Path) -> bool {
    ROLES.iter().any(|role| role.find(folder).is_some())
}

/// The four files in `folder`.
///
/// # Errors
/// [`Error::Missing`].
pub(crate) fn find(folder: &Path) -> Result<[PathBuf; 4]> {
    let mut paths = [const { PathBuf::new() }; 4];
    for (path, role) in paths.iter_mut().zip(&ROLES) {
        *path = role.find(folder).ok_or_else(|| Error::Missing { path: folder.join(role.name) })?;
    }
    Ok(paths)
}

/// Reads a file and decompresses it, if its content (not its name) is gzip, whose CRC is checked.
///
/// # Errors
/// [`Error::Read`], [`Error::Gzip`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut bytes = Vec::new();
    if file.fill_buf().map_err(unreadable)?.starts_with(&GZIP_MAGIC) {
        let mut decoder = MultiGzDecoder::new(file).take(MAX_LENGTH);
        decoder
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Gzip { path: path.to_owned(), source })?;
    } else {
        file.take(MAX_LENGTH).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Ok(bytes)
}

/// Checks the decompressed bytes of the four files, which `paths` name in errors.
///
/// # Errors
/// Everything about IDX files that [`Error`] lists.
pub(crate) fn check(paths: &[PathBuf; 4], bytes: &[Vec<u8>; 4]) -> Result<()> {
    let mut counts = [0; 4];
    for (part, role) in ROLES.iter().enumerate() {
        counts[part] = check_header(&paths[part], &bytes[part], role)?;
    }
    for images in [0, 2] {
        let labels = images + 1;
        if counts[images] != counts[labels] {
            return Err(Error::CountsDiffer {
                images: paths[images].clone(),
                n_images: counts[images],
                labels: paths[labels].clone(),
                n_labels: counts[labels],
            });
        }
    }
    for (part, role) in ROLES.iter().enumerate() {
        check_content(&paths[part], &bytes[part], role, counts[part])?;
    }
    Ok(())
}

/// The number of pictures or labels that a header announces.
fn check_header(path: &Path, bytes: &[u8], role: &Role) -> Result<u32> {
    let path = || path.to_owned();
    if bytes.is_empty() {
        return Err(Error::Empty { path: path() });
    }
    let field = |index: usize| {
        let bytes = bytes.get(4 * index..4 * index + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (length, expected) = (bytes.len() as u64, role.header_length() as u64);
    let truncated = || Error::Truncated { path: path(), length, expected };
    let magic = field(0).ok_or_else(truncated)?;
    if magic != role.magic() {
        let kinds = [("pictures", 0x803), ("labels", 0x801)];
        let swapped = kinds.iter().find(|(_, other)| *other == magic);
        let (expected, kind) = (role.magic(), role.kind());
        return Err(match swapped {
            Some(&(found, _)) => Error::Swapped { path: path(), found, expected: kind },
            None => Error::Magic { path: path(), kind, found: magic, expected },
        });
    }
    let count = field(1).ok_or_else(truncated)?;
    if role.images {
        let (rows, columns) = field(2).zip(field(3)).ok_or_else(truncated)?;
        let side = images::SIDE as u32;
        if (rows, columns) != (side, side) {
            return Err(Error::Dimensions { path: path(), rows, columns });
        }
    }
    if count == 0 {
        return Err(Error::Empty { path: path() });
    }
    Ok(count)
}

/// Checks what follows a header that is right in itself.
fn check_content(path: &Path, bytes: &[u8], role: &Role, count: u32) -> Result<()> {
    let path = || path.to_owned();
    if count != role.n {
        let (kind, expected) = (role.kind(), role.n);
        return Err(Error::Count { path: path(), kind, found: count, expected });
    }
    let header = role.header_length();
    let item = if role.images { PIXELS } else { 1 };
    let (length, expected) = (bytes.len() as u64, (header + item * count as usize) as u64);
    if length < expected {
        return Err(Error::Truncated { path: path(), length, expected });
    }
    if length > expected {
        return Err(Error::Padded { path: path(), expected });
    }
    let label = |(_, label): &(usize, &u8)| **label >= MAX_CLASSES;
    match bytes[header..].iter().enumerate().find(label) {
        Some((index, &label)) if !role.images => Err(Error::Label { path: path(), index, label }),
        _ => Ok(()),
    }
}

/// Has the `mnist` crate read the four files, whose bytes [`check`] has passed: training, test.
///
/// The crate opens raw files by name, while ours may be compressed or called otherwise; so it gets
/// a temporary folder that holds just the bytes that were checked, for as long as it reads.
///
/// # Errors
/// [`Error::Write`] if the temporary folder cannot be used.
pub(crate) fn parse(bytes: [Vec<u8>; 4]) -> Result<(Examples, Examples)> {
    let temporary = std::env::temp_dir();
    let folder = tempfile::Builder::new()
        .prefix("kiln-")
        .tempdir_in(&temporary)
        .map_err(|source| Error::Write { path: temporary, source })?;
    for (role, bytes) in ROLES.iter().zip(bytes) {
        let path = folder.path().join(role.name);
        std::fs::write(&path, bytes).map_err(|source| Error::Write { path, source })?;
    }
    let base_path = folder.path().to_str().ok_or_else(|| Error::Write {
        path: folder.path().to_owned(),
        source: std::io::Error::other("its name is not UTF-8: set TMPDIR to one that is"),
    })?;
    let Mnist { trn_img, trn_lbl, tst_img, tst_lbl, .. } = MnistBuilder::new()
        .base_path(base_path)
        .label_format_digit()
        .training_set_length(ROLES[0].n)
        .validation_set_length(0)
        .test_set_length(ROLES[2].n)
        .finalize();
    let train = Examples { pixels: trn_img, labels: trn_lbl };
    Ok((train, Examples { pixels: tst_img, labels: tst_lbl }))
}
