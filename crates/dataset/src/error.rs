//! What can go wrong between files and a data set.

use std::path::PathBuf;

/// The result of loading or splitting a data set.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between files and a data set; every variant about a file names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read a file or a folder.
    #[error("cannot read {}: check that it exists and that its permissions allow reading", path.display())]
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
    /// A downloaded file cannot be stored in the cache.
    #[error(transparent)]
    Store(#[from] run::Error),
    /// The data folder does not exist, or is a file.
    #[error("there is no folder {}: check the path given with --data or KILN_DATA", path.display())]
    NoFolder {
        /// The path that was given.
        path: PathBuf,
    },
    /// The data folder contains neither MNIST's four files nor folders of images.
    #[error(
        "{} contains no data: put MNIST's four files there, or images in train/CLASS/ and test/CLASS/", path.display()
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
    /// A compressed file is truncated or corrupt.
    #[error("{} cannot be decompressed: download or copy it again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// The decompressor's reason.
        source: std::io::Error,
    },
    /// A file, or its list of images or labels, is empty.
    #[error("{} is empty: download or copy it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file does not have the magic number of an IDX file of its kind.
    #[error(
        "{} is not an IDX file of {kind}: its magic number is {found:#010x} instead of {expected:#010x}. Download or \
         copy it again", path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`.
        kind: &'static str,
        /// The first four bytes, big-endian.
        found: u32,
        /// The first four bytes of such a file.
        expected: u32,
    },
    /// A file has images where labels are expected, or the other way round.
    #[error(
        "{} contains {found} instead of {expected}: if two files were swapped, rename them",
        path.display()
    )]
    Swapped {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`: what it contains.
        found: &'static str,
        /// `images` or `labels`: what its name says.
        expected: &'static str,
    },
    /// The images of a file do not have MNIST's size.
    #[error(
        "{} contains images of {columns}x{rows} pixels instead of 28x28: resize them, or provide them as folders of \
         image files", path.display()
    )]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// Height of the images, in pixels.
        rows: u32,
        /// Width of the images, in pixels.
        columns: u32,
    },
    /// A file of images and its file of labels differ in their number.
    #[error(
        "{} contains {n_images} images, but {} contains {n_labels} labels: take both from the same source",
        images.display(), labels.display()
    )]
    CountsDiffer {
        /// The file of images.
        images: PathBuf,
        /// Its number of images.
        n_images: u32,
        /// The file of labels.
        labels: PathBuf,
        /// Its number of labels.
        n_labels: u32,
    },
    /// A file does not have MNIST's number of images or labels.
    #[error(
        "{} contains {found} {kind}, but MNIST's format has {expected}: if training and test files were swapped, \
         rename them; other numbers are possible with folders of image files", path.display()
    )]
    Count {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`.
        kind: &'static str,
        /// Their number.
        found: u32,
        /// MNIST's number.
        expected: u32,
    },
    /// A file is shorter than its header says.
    #[error(
        "{} is truncated, {length} bytes instead of {expected}: download or copy it again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its length once decompressed, in bytes.
        length: u64,
        /// The length according to its header, in bytes.
        expected: u64,
    },
    /// A file is longer than its header says.
    #[error(
        "{} is longer than the {expected} bytes its header states: download or copy it again",
        path.display()
    )]
    Padded {
        /// The file.
        path: PathBuf,
        /// The length according to its header, in bytes.
        expected: u64,
    },
    /// A label is not between 0 and 9.
    #[error(
        "label {index} in {} is {label}, but labels must be between 0 and 9: correct it",
        path.display()
    )]
    Label {
        /// The file of labels.
        path: PathBuf,
        /// Index of the label in the file, from 0.
        index: usize,
        /// The label.
        label: u8,
    },
    /// The folders of the classes are missing, too many or inconsistent.
    #[error("{} is not a folder of classes of images: {reason}", path.display())]
    Classes {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// An image cannot be read or is blank; the error names the file.
    #[error(transparent)]
    Image(#[from] images::Error),
    /// MNIST is not in the cache, and downloads are disabled.
    #[error(
        "{} is missing or damaged, and downloads are disabled: allow them, or name a folder with MNIST's four files",
        path.display()
    )]
    Offline {
        /// The file.
        path: PathBuf,
    },
    /// No mirror sent an intact file.
    #[error(
        "cannot download {file} ({reasons}): check the network, or name a folder with MNIST's four files"
    )]
    Download {
        /// The file's name.
        file: String,
        /// The failure of each mirror.
        reasons: String,
    },
    /// The fraction held out for validation is out of range.
    #[error("val_fraction = {val_fraction} is out of range: it must be at least 0 and below 1")]
    Fraction {
        /// The value that was given.
        val_fraction: f64,
    },
    /// There are too few images for training and validation, or for every class in both.
    #[error(
        "{n} images of {n_classes} classes cannot be split into {n_train} for training and {n_val} for validation: \
         use more images, another val_fraction, or no stratification"
    )]
    TooFew {
        /// All images.
        n: usize,
        /// Classes that must be in both sets; 1 without stratification.
        n_classes: usize,
        /// Images for training.
        n_train: usize,
        /// Images for validation.
        n_val: usize,
    },
    /// A class has a single image, which cannot be in both sets.
    #[error("class {class} has a single image, too few to stratify: add more, or do not stratify")]
    SingleImage {
        /// Index of the class.
        class: u8,
    },
    /// Statistics were requested of no images.
    #[error("there are no images to compute statistics of: use at least one")]
    NoImages,
}
