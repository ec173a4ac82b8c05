//! The four IDX files of a data set in MNIST's format: images of grey levels and their labels, for training and for test.
//!
//! The format is that of LeCun's page: a big-endian magic number, counts, then bytes. Headers are checked before anything
//! of the size they claim is read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use images::ImageShape;

use crate::dataset::label_bytes;
use crate::error::{Error, Result};
use crate::examples::Examples;
use crate::hash::sha256;
use crate::{memory, mnist_files};

/// The longest side of an image, in pixels.
const MAX_SIDE: u32 = 1024;
/// Images of a file: above the largest set in this format, EMNIST's ByClass with 697,932. They take 784 MB.
const MAX_IMAGES: u32 = 1_000_000;
/// A gzip file's first two bytes (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Largest compression ratio of deflate (<https://zlib.net/zlib_tech.html>, "Maximum Compression Factor").
const DEFLATE_FACTOR: u64 = 1032;
/// Length of the longest header, that of images, in bytes.
const LONGEST_HEADER: u64 = 16;
/// More bytes than the longest of MNIST's four files has: a decompression bomb is not expanded further.
pub(crate) const LONGEST_OF_MNIST: u64 =
    LONGEST_HEADER + 60_000 * ImageShape::DIGIT.size() as u64 + 1;

/// One of the four files.
pub(crate) struct Role {
    /// Its name, without `.gz`.
    pub(crate) name: &'static str,
    /// What its name contains under any spelling, in order.
    parts: [&'static str; 2],
    /// Whether it holds images, rather than labels.
    images: bool,
}

/// The four files, in the order of every array of four in this crate.
pub(crate) const ROLES: [Role; 4] = [
    Role { name: "train-images-idx3-ubyte", parts: ["train", "images-idx3"], images: true },
    Role { name: "train-labels-idx1-ubyte", parts: ["train", "labels-idx1"], images: false },
    Role { name: "t10k-images-idx3-ubyte", parts: ["t10k", "images-idx3"], images: true },
    Role { name: "t10k-labels-idx1-ubyte", parts: ["t10k", "labels-idx1"], images: false },
];

impl Role {
    const fn kind(&self) -> &'static str {
        if self.images { "images" } else { "labels" }
    }

    const fn magic(&self) -> u32 {
        if self.images { 0x803 } else { 0x801 }
    }

    /// The header of a valid file with `n` images of `shape`, or labels.
    fn header(&self, n: u32, shape: ImageShape) -> Vec<u8> {
        let mut fields = vec![self.magic(), n];
        if self.images {
            fields.extend([shape.height as u32, shape.width as u32]);
        }
        fields.into_iter().flat_map(u32::to_be_bytes).collect()
    }

    /// Length of a valid file with `n` images of `shape`, or labels, in bytes.
    fn length(&self, n: u32, shape: ImageShape) -> u64 {
        let item = if self.images { shape.size() as u64 } else { 1 };
        self.header(n, shape).len() as u64 + item * u64::from(n)
    }

    /// What precedes the usual name, if `name` is a spelling of it: `emnist-letters-` of
    /// `emnist-letters-test-images-idx3-ubyte.gz`, nothing of `t10k-images.idx3-ubyte`.
    fn prefix<'a>(&self, name: &'a str) -> Option<&'a str> {
        let raw = name.strip_suffix(".gz").unwrap_or(name);
        let [part, kind] = self.parts;
        let rest = [format!("-{kind}-ubyte"), format!("-{}-ubyte", kind.replace('-', "."))]
            .iter()
            .find_map(|end| raw.strip_suffix(end.as_str()))?;
        rest.strip_suffix(part).or_else(|| rest.strip_suffix("test").filter(|_| part == "t10k"))
    }
}

/// The files of one set in a folder.
pub(crate) struct Files {
    /// What precedes their names, such as `emnist-letters-`.
    pub(crate) prefix: String,
    /// In the order of [`ROLES`].
    pub(crate) paths: [PathBuf; 4],
}

/// The regular files in `folder` that are named as one of the four: role, prefix, path. Where the entry is a folder, as
/// Kaggle's archives have it, the file of the same name in it counts.
fn named(folder: &Path) -> Vec<(usize, String, PathBuf)> {
    let mut named = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = [entry.path(), entry.path().join(&name)].into_iter().find(|path| path.is_file());
        for (role, expected) in ROLES.iter().enumerate() {
            if let (Some(prefix), Some(path)) = (expected.prefix(&name), &path) {
                named.push((role, prefix.to_owned(), path.clone()));
            }
        }
    }
    // Of several spellings the usual one counts, raw before compressed.
    named.sort_by_key(|(.., path)| (path.to_string_lossy().replace("-idx", "!idx"), path.clone()));
    named
}

/// Whether any of the four files is in `folder`.
pub(crate) fn is_in(folder: &Path) -> bool {
    !named(folder).is_empty()
}

/// The four files in `folder`.
///
/// # Errors
/// [`Error::Missing`]; [`Error::SeveralSets`] where the names have several prefixes.
pub(crate) fn find(folder: &Path) -> Result<Files> {
    let named = named(folder);
    let mut prefixes: Vec<_> = named.iter().map(|(_, prefix, _)| prefix.clone()).collect();
    prefixes.sort();
    prefixes.dedup();
    if prefixes.len() > 1 {
        let sets =
            prefixes.iter().map(|prefix| format!("{prefix}*")).collect::<Vec<_>>().join(", ");
        return Err(Error::SeveralSets { path: folder.to_owned(), sets });
    }
    let prefix = prefixes.pop().unwrap_or_default();
    let mut paths = [const { PathBuf::new() }; 4];
    for (role, path) in paths.iter_mut().enumerate() {
        let found = named.iter().find(|(of, ..)| *of == role).map(|(.., path)| path.clone());
        let missing =
            || Error::Missing { path: folder.join(format!("{prefix}{}", ROLES[role].name)) };
        *path = found.ok_or_else(missing)?;
    }
    Ok(Files { prefix, paths })
}

/// Reads at most `most` bytes of a file, decompressed if its content (not its name) is gzip, whose CRC is checked.
///
/// # Errors
/// [`Error::Read`], [`Error::Gzip`], [`Error::Trailing`].
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let length = path.metadata().map_or(0, |metadata| metadata.len());
    let is_gzip = file.fill_buf().map_err(unreadable)?.starts_with(&GZIP_MAGIC);
    // No more than the file can hold, whatever its header claims; growing step by step would take twice the memory.
    let room = if is_gzip { length.saturating_mul(DEFLATE_FACTOR) } else { length };
    let mut bytes = Vec::with_capacity(room.min(most) as usize);
    if !is_gzip {
        file.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
        return Ok(bytes);
    }
    // A gzip file may have several members.
    loop {
        let room = most - bytes.len() as u64;
        GzDecoder::new(&mut file)
            .take(room)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Gzip { path: path.to_owned(), source })?;
        let rest = file.fill_buf().map_err(unreadable)?;
        match rest {
            _ if bytes.len() as u64 == most => return Ok(bytes),
            [] => return Ok(bytes),
            rest if rest.starts_with(&GZIP_MAGIC) => {}
            _ => return Err(Error::Trailing { path: path.to_owned() }),
        }
    }
}

/// Reads and checks the four files: training, test.
///
/// # Errors
/// Everything about IDX files that [`Error`] lists.
pub(crate) fn load(paths: &[PathBuf; 4]) -> Result<(Examples, Examples)> {
    let mut counts = [0; 4];
    let mut shapes = [ImageShape::DIGIT; 4];
    for (file, role) in ROLES.iter().enumerate() {
        let header = read(&paths[file], LONGEST_HEADER)?;
        (counts[file], shapes[file]) = check_header(&paths[file], &header, role)?;
    }
    let shape = shapes[0];
    if shapes[2] != shape {
        let sides = |shape: ImageShape| [shape.height, shape.width];
        let (found, expected) = (sides(shapes[2]), sides(shape));
        return Err(Error::ShapesDiffer { path: paths[2].clone(), found, expected });
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
    let lengths = std::array::from_fn(|file| ROLES[file].length(counts[file], shape));
    if shape == ImageShape::DIGIT
        && let Some(sets) = mnist_files::read(paths, counts, lengths)
    {
        return Ok(sets);
    }
    memory::check(counts[0] as usize + counts[2] as usize, shape, false)?;
    let body = |file: usize| -> Result<Vec<u8>> {
        let mut bytes = body(&paths[file], lengths[file])?;
        // In place: a second buffer would double the memory.
        bytes.drain(..ROLES[file].header(0, shape).len());
        Ok(bytes)
    };
    let examples = |images: usize| -> Result<Examples> {
        let (pixels, labels) = (body(images)?, body(images + 1)?);
        Ok(Examples { shape, pixels, labels: labels.into_iter().map(u16::from).collect() })
    };
    Ok((examples(0)?, examples(2)?))
}

/// SHA-256 of the four files, decompressed, that were loaded as `train` and `test`.
pub(crate) fn file_hashes(train: &Examples, test: &Examples) -> [String; 4] {
    let labels = [train, test].map(|examples| label_bytes(&examples.labels));
    let contents = [&train.pixels, &labels[0], &test.pixels, &labels[1]];
    let counts = [train.len(), train.len(), test.len(), test.len()];
    let header = |file: usize| ROLES[file].header(counts[file] as u32, train.shape);
    std::array::from_fn(|file| sha256(&[&header(file), contents[file]]))
}

/// The number of images or labels according to the first bytes of a file, and the images' shape.
fn check_header(path: &Path, header: &[u8], role: &Role) -> Result<(u32, ImageShape)> {
    let path = || path.to_owned();
    if header.is_empty() {
        return Err(Error::Empty { path: path() });
    }
    let field = |index: usize| {
        let bytes = header.get(4 * index..4 * index + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let mut shape = ImageShape::DIGIT;
    let truncated = || Error::Truncated {
        path: path(),
        length: header.len() as u64,
        expected: role.length(0, ImageShape::DIGIT),
    };
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
        if ![rows, columns].iter().all(|side| (1..=MAX_SIDE).contains(side)) {
            return Err(Error::Dimensions { path: path(), rows, columns, most: MAX_SIDE });
        }
        shape = ImageShape { channels: 1, height: rows as usize, width: columns as usize };
    }
    match count {
        0 => Err(Error::Empty { path: path() }),
        1..=MAX_IMAGES => Ok((count, shape)),
        _ => Err(Error::Count { path: path(), kind: role.kind(), found: count, most: MAX_IMAGES }),
    }
}

/// The bytes of a file, whose length must be `expected`.
fn body(path: &Path, expected: u64) -> Result<Vec<u8>> {
    let bytes = read(path, expected + 1)?;
    let (length, path) = (bytes.len() as u64, path.to_owned());
    match length.cmp(&expected) {
        std::cmp::Ordering::Less => Err(Error::Truncated { path, length, expected }),
        std::cmp::Ordering::Equal => Ok(bytes),
        std::cmp::Ordering::Greater => Err(Error::Padded { path, expected }),
    }
}
