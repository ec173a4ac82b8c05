//! What can go wrong between files and a dataset.

use std::path::PathBuf;

/// The result of loading or dividing a dataset.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between files and a dataset; every variant about a file names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read a file or a folder.
    #[error("cannot read {}: check that it exists and that you may read it", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The operating system refused to write a file or a folder.
    #[error("cannot write {}: check free space and permissions", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The data folder does not exist, or is a file.
    #[error("there is no folder {}: check the path given with --data or KILN_DATA", path.display())]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
    },
    /// The data folder holds neither MNIST's four files nor folders of pictures.
    #[error(
        "{} holds no data: put MNIST's four files there, or pictures in train/CLASS/ and \
         test/CLASS/", path.display()
    )]
    NoData {
        /// The data folder.
        path: PathBuf,
    },
    /// One of MNIST's four files is missing, while another is there.
    #[error("{} is missing: put it there, with or without .gz", path.display())]
    Missing {
        /// The file, under its usual name.
        path: PathBuf,
    },
    /// A `.gz` file is cut off, or a bit in it has flipped.
    #[error("{} cannot be decompressed: download or copy it again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// The decompressor's reason.
        source: std::io::Error,
    },
    /// A file, or its list of pictures or labels, is empty.
    #[error("{} is empty: download or copy it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file does not begin as an IDX file of its kind does.
    #[error(
        "{} is not an IDX file of {kind}, it begins with {found:#010x} instead of \
         {expected:#010x}: download or copy it again", path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// `pictures` or `labels`.
        kind: &'static str,
        /// The first four bytes, big-endian.
        found: u32,
        /// The first four bytes of such a file.
        expected: u32,
    },
    /// Pictures stand where labels should, or the other way round.
    #[error(
        "{} holds {found} where {expected} belong: were two files swapped? Rename them",
        path.display()
    )]
    Swapped {
        /// The file.
        path: PathBuf,
        /// `pictures` or `labels`: what it holds.
        found: &'static str,
        /// `pictures` or `labels`: what its name says.
        expected: &'static str,
    },
    /// The pictures of a file do not have MNIST's size.
    #[error(
        "{} holds pictures of {columns}x{rows} pixels, but 28x28 are needed: resize them, or give \
         them as folders of picture files", path.display()
    )]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// Height of the pictures, in pixels.
        rows: u32,
        /// Width of the pictures, in pixels.
        columns: u32,
    },
    /// A file of pictures and its file of labels differ in their number.
    #[error(
        "{} holds {n_images} pictures, but {} holds {n_labels} labels: take both from the same \
         place", images.display(), labels.display()
    )]
    CountsDiffer {
        /// The file of pictures.
        images: PathBuf,
        /// Its number of pictures.
        n_images: u32,
        /// The file of labels.
        labels: PathBuf,
        /// Its number of labels.
        n_labels: u32,
    },
    /// A file has another number of pictures or labels than MNIST's.
    #[error(
        "{} holds {found} {kind} where MNIST's shape has {expected}: were training and test files \
         swapped? Other numbers can be given as folders of picture files", path.display()
    )]
    Count {
        /// The file.
        path: PathBuf,
        /// `pictures` or `labels`.
        kind: &'static str,
        /// Their number.
        found: u32,
        /// MNIST's number.
        expected: u32,
    },
    /// A file ends before the last picture or label that its header announces.
    #[error(
        "{} is cut off, {length} bytes instead of {expected}: download or copy it again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length once decompressed, in bytes.
        length: u64,
        /// The length its header announces, in bytes.
        expected: u64,
    },
    /// A file goes on after the last picture or label that its header announces.
    #[error(
        "{} goes on after the {expected} bytes its header announces: download or copy it again",
        path.display()
    )]
    Padded {
        /// The file.
        path: PathBuf,
        /// The length its header announces, in bytes.
        expected: u64,
    },
    /// A label lies outside 0 to 9.
    #[error(
        "label {index} in {} is {label}, but only 0 to 9 are labels here: correct it",
        path.display()
    )]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// Place of the label in the file, from 0.
        index: usize,
        /// The label.
        label: u8,
    },
    /// The folders of the classes do not add up.
    #[error("{} does not hold classes of pictures: {reason}", path.display())]
    Classes {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A picture cannot be read, or holds nothing to learn from; the source says which file.
    #[error(transparent)]
    Picture(#[from] images::Error),
    /// MNIST is not in the cache, and downloads are switched off.
    #[error(
        "{} is not there or damaged, and downloads are switched off: allow them, or give a folder \
         with MNIST's four files", path.display()
    )]
    Offline {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// No mirror gave a file.
    #[error(
        "cannot download {file} ({reasons}): check the network, or give a folder with MNIST's four \
         files"
    )]
    Download {
        /// The file's name.
        file: String,
        /// What went wrong at each mirror.
        reasons: String,
    },
    /// The part to hold out for validation is not a part.
    #[error("val_fraction = {val_fraction} is out of range: it must lie between 0 and 1")]
    Fraction {
        /// The value that was given.
        val_fraction: f64,
    },
    /// There are too few pictures for every part, or for every class in every part.
    #[error(
        "{n} pictures of {n_classes} classes cannot be divided into {n_train} for training and \
         {n_val} for validation: use more pictures, another val_fraction, or no stratification"
    )]
    TooFew {
        /// All pictures.
        n: usize,
        /// Classes that must be in each part; 1 if the classes play no role.
        n_classes: usize,
        /// Pictures for training.
        n_train: usize,
        /// Pictures for validation.
        n_val: usize,
    },
    /// A class has a single picture, which cannot be in both parts.
    #[error(
        "class {class} has a single picture, too few to stratify: add some, or do not stratify"
    )]
    SinglePicture {
        /// Index of the class.
        class: u8,
    },
    /// Statistics were asked of no picture at all.
    #[error("there are no pictures to take statistics of: use at least one")]
    NoPictures,
}
