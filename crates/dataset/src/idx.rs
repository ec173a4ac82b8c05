//! The four IDX files of a data set in MNIST's format: 60,000 and 10,000 images of 28x28 grey levels, and their labels.
//!
//! The format is that of LeCun's page: a big-endian magic number, counts, then bytes. The `mnist` crate reads the
//! files, but panics on invalid ones. So header and length of every file are checked first; a file that another program
//! changes between check and read can still cause that panic.
//!
//! `mnist` opens files by name and does not decompress. It reads raw files where they are. A compressed file is
//! decompressed into a temporary folder first: the crate has no way to take bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use images::ImageShape;
use mnist::{Mnist, MnistBuilder};
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::hash::sha256;

/// Shape of MNIST's images.
pub(crate) const SHAPE: ImageShape = ImageShape::DIGIT;
/// Labels are below this number.
const MAX_CLASSES: u8 = 10;
/// A gzip file's first two bytes (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// One byte more than the longest of the four files: a decompression bomb is not expanded further.
const MAX_LENGTH: u64 = 16 + 60_000 * SHAPE.size() as u64 + 1;

/// One of the four files.
pub(crate) struct Role {
    /// Its name, without `.gz`.
    pub(crate) name: &'static str,
    /// Whether it holds images, rather than labels.
    images: bool,
    /// Number of images or labels.
    n: u32,
}

/// The four files, in the order of every array of four in this crate.
pub(crate) const ROLES: [Role; 4] = [
    Role { name: "train-images-idx3-ubyte", images: true, n: 60_000 },
    Role { name: "train-labels-idx1-ubyte", images: false, n: 60_000 },
    Role { name: "t10k-images-idx3-ubyte", images: true, n: 10_000 },
    Role { name: "t10k-labels-idx1-ubyte", images: false, n: 10_000 },
];

impl Role {
    fn kind(&self) -> &'static str {
        if self.images { "images" } else { "labels" }
    }

    fn magic(&self) -> u32 {
        if self.images { 0x803 } else { 0x801 }
    }

    /// The header of a valid file with `n` images or labels.
    fn header(&self, n: u32) -> Vec<u8> {
        let mut fields = vec![self.magic(), n];
        if self.images {
            fields.extend([SHAPE.height as u32, SHAPE.width as u32]);
        }
        fields.into_iter().flat_map(u32::to_be_bytes).collect()
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

/// Reads a file, and decompresses it if its content (not its name) is gzip, whose CRC is checked.
///
/// # Errors
/// [`Error::Read`], [`Error::Gzip`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut bytes = Vec::new();
    if is_gzip(&mut file).map_err(unreadable)? {
        let mut decoder = MultiGzDecoder::new(file).take(MAX_LENGTH);
        decoder
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Gzip { path: path.to_owned(), source })?;
    } else {
        file.take(MAX_LENGTH).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Ok(bytes)
}

fn is_gzip(file: &mut BufReader<File>) -> std::io::Result<bool> {
    Ok(file.fill_buf()?.starts_with(&GZIP_MAGIC))
}

/// Checks the four files and has the `mnist` crate read them: training, test.
///
/// # Errors
/// Everything about IDX files that [`Error`] lists; [`Error::Write`] if a compressed file cannot be decompressed into
/// a temporary folder.
pub(crate) fn load(paths: &[PathBuf; 4]) -> Result<(Examples, Examples)> {
    let mut temporary = None;
    let mut names = [const { String::new() }; 4];
    for ((name, path), role) in names.iter_mut().zip(paths).zip(&ROLES) {
        *name = match raw_name(path)? {
            Some(name) => name,
            None => copy(path, role, &mut temporary)?,
        };
    }
    check(paths, &names)?;

    // Absolute names override the crate's base path.
    let Mnist { trn_img, trn_lbl, tst_img, tst_lbl, .. } = MnistBuilder::new()
        .training_images_filename(&names[0])
        .training_labels_filename(&names[1])
        .test_images_filename(&names[2])
        .test_labels_filename(&names[3])
        .label_format_digit()
        .training_set_length(ROLES[0].n)
        .validation_set_length(0)
        .test_set_length(ROLES[2].n)
        .finalize();

    for (path, labels) in [(&paths[1], &trn_lbl), (&paths[3], &tst_lbl)] {
        if let Some(index) = labels.iter().position(|&label| label >= MAX_CLASSES) {
            return Err(Error::Label { path: path.clone(), index, label: labels[index] });
        }
    }
    Ok((
        Examples { shape: SHAPE, pixels: trn_img, labels: trn_lbl },
        Examples { shape: SHAPE, pixels: tst_img, labels: tst_lbl },
    ))
}

/// SHA-256 of the four files, decompressed, that were loaded as `train` and `test`.
pub(crate) fn file_hashes(train: &Examples, test: &Examples) -> [String; 4] {
    let contents = [&train.pixels, &train.labels, &test.pixels, &test.labels];
    std::array::from_fn(|file| sha256(&[&ROLES[file].header(ROLES[file].n), contents[file]]))
}

/// The absolute name of a file that `mnist` can open: it is raw, and its name is UTF-8.
fn raw_name(path: &Path) -> Result<Option<String>> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let raw = !is_gzip(&mut file).map_err(unreadable)?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    Ok(absolute.to_str().filter(|_| raw).map(str::to_owned))
}

/// Decompresses a file into the folder `temporary`, which is made if there is none yet; returns the copy's name.
fn copy(path: &Path, role: &Role, temporary: &mut Option<TempDir>) -> Result<String> {
    let bytes = read(path)?;
    let place = std::env::temp_dir();
    let write = |source| Error::Write { path: place.clone(), source };
    let folder = match temporary {
        Some(folder) => folder,
        None => temporary
            .insert(tempfile::Builder::new().prefix("kiln-").tempdir_in(&place).map_err(write)?),
    };
    let copy = folder.path().join(role.name);
    std::fs::write(&copy, bytes).map_err(write)?;
    let not_utf8 = || std::io::Error::other("its name is not UTF-8: set TMPDIR to one that is");
    copy.to_str().map(str::to_owned).ok_or_else(|| write(not_utf8()))
}

/// Checks the headers and lengths of the four raw files `names`; errors name `paths`.
fn check(paths: &[PathBuf; 4], names: &[String; 4]) -> Result<()> {
    let mut counts = [0; 4];
    let mut lengths = [0; 4];
    for (file, role) in ROLES.iter().enumerate() {
        let path = &paths[file];
        let unreadable = |source| Error::Read { path: path.clone(), source };
        let open = File::open(&names[file]).map_err(unreadable)?;
        lengths[file] = open.metadata().map_err(unreadable)?.len();
        let mut header = Vec::new();
        let header_length = role.header(0).len() as u64;
        open.take(header_length).read_to_end(&mut header).map_err(unreadable)?;
        counts[file] = check_header(path, &header, lengths[file], role)?;
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
    for (file, role) in ROLES.iter().enumerate() {
        check_length(&paths[file], lengths[file], role, counts[file])?;
    }
    Ok(())
}

/// The number of images or labels according to the first bytes of a file of `length` bytes.
fn check_header(path: &Path, header: &[u8], length: u64, role: &Role) -> Result<u32> {
    let path = || path.to_owned();
    if length == 0 {
        return Err(Error::Empty { path: path() });
    }
    let field = |index: usize| {
        let bytes = header.get(4 * index..4 * index + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let truncated =
        || Error::Truncated { path: path(), length, expected: role.header(0).len() as u64 };
    let magic = field(0).ok_or_else(truncated)?;
    if magic != role.magic() {
        let other = ROLES.iter().find(|other| other.magic() == magic);
        let (expected, kind) = (role.magic(), role.kind());
        return Err(match other {
            Some(other) => Error::Swapped { path: path(), found: other.kind(), expected: kind },
            None => Error::Magic { path: path(), kind, found: magic, expected },
        });
    }
    let count = field(1).ok_or_else(truncated)?;
    if role.images {
        let (rows, columns) = field(2).zip(field(3)).ok_or_else(truncated)?;
        if (rows as usize, columns as usize) != (SHAPE.height, SHAPE.width) {
            return Err(Error::Dimensions { path: path(), rows, columns });
        }
    }
    if count == 0 {
        return Err(Error::Empty { path: path() });
    }
    Ok(count)
}

/// Checks the number of images or labels, and that the file is as long as they are.
fn check_length(path: &Path, length: u64, role: &Role, count: u32) -> Result<()> {
    let path = path.to_owned();
    if count != role.n {
        return Err(Error::Count { path, kind: role.kind(), found: count, expected: role.n });
    }
    let item = if role.images { SHAPE.size() } else { 1 };
    let expected = (role.header(count).len() + item * count as usize) as u64;
    match length.cmp(&expected) {
        std::cmp::Ordering::Less => Err(Error::Truncated { path, length, expected }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::Padded { path, expected }),
    }
}
