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
    /// The data folder contains neither four IDX files nor folders of images.
    #[error(
        "{0} contains no images in a layout that kiln reads: found {found}. The nearest are\n  \
         {0}/train/CLASS/*.png and {0}/test/CLASS/*.png, a folder for each class\n  \
         {0}/CLASS/*.png, of which a fifth becomes the test\n  \
         {0}/labels.csv with the columns path and label, or Kaggle's label,pixel0,pixel1 and so on\n  \
         {0}/train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each raw \
         or as .gz\n  \
         {0}/MNIST/raw with these four files, as torchvision leaves them\nMove the images into one of them",
        path.display()
    )]
    NoData {
        /// The data folder.
        path: PathBuf,
        /// What it contains.
        found: String,
    },
    /// A folder contains several data sets.
    #[error("{} contains several data sets ({sets}): give each a folder of its own, and name one", path.display())]
    SeveralSets {
        /// The folder.
        path: PathBuf,
        /// The folders, or how the names of the files of each set begin.
        sets: String,
    },
    /// There are training images and no test images, or the other way round.
    #[error(
        "there is no {}: kiln trains on the images in train and scores on those in test{}", path.display(),
        if *.has_val { ". To score on the images in val, rename it to test" } else { ". Move some images there, or \
         name the folder of the classes itself, of which a fifth then becomes the test" }
    )]
    Part {
        /// The folder that is missing.
        path: PathBuf,
        /// Whether there is a folder of validation images.
        has_val: bool,
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
    /// A compressed file is sound, and has other bytes behind its end.
    #[error(
        "{} has trailing bytes behind its compressed data, which are no gzip: download or copy it again", path.display()
    )]
    Trailing {
        /// The file.
        path: PathBuf,
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
    /// The images of a file are too large, or have no pixel.
    #[error(
        "{} contains images of {columns}x{rows} pixels: give them 1 to {most} a side, or provide them as folders of \
         image files", path.display()
    )]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// Height of the images, in pixels.
        rows: u32,
        /// Width of the images, in pixels.
        columns: u32,
        /// The longest side, in pixels.
        most: u32,
    },
    /// Training and test images have other sides.
    #[error(
        "{} contains images of {}x{} pixels, the training images have {}x{}: take both from the same source",
        path.display(), found[1], found[0], expected[1], expected[0]
    )]
    ShapesDiffer {
        /// The file of test images.
        path: PathBuf,
        /// Their height and width, in pixels.
        found: [usize; 2],
        /// The training images' height and width, in pixels.
        expected: [usize; 2],
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
    /// A file has more images or labels than are read.
    #[error("{} contains {found} {kind}, more than {most}: split it, or check where it comes from", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// `images` or `labels`.
        kind: &'static str,
        /// Their number.
        found: u32,
        /// The most that are read.
        most: u32,
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
    /// The labels name a single class, or too many.
    #[error(
        "{} and the labels of the test images have {n} different labels: a classifier takes 2 to {most}", path.display()
    )]
    Labels {
        /// The file of the training labels.
        path: PathBuf,
        /// How many different labels there are.
        n: usize,
        /// The most classes.
        most: usize,
    },
    /// A line of a CSV is not valid.
    #[error("{}, line {line}: {reason}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The prepared images do not fit into memory.
    #[error(
        "{n} images of {}x{} pixels in {} channels take {:.1} GB, and {:.1} GB are available: choose a smaller --size, or \
         use fewer images", shape.height, shape.width, shape.channels, *.needed as f64 / 1e9, *.available as f64 / 1e9
    )]
    Memory {
        /// How many images.
        n: usize,
        /// Their shape once prepared.
        shape: images::ImageShape,
        /// Bytes that they take while they are loaded.
        needed: u64,
        /// Bytes that are available.
        available: u64,
    },
    /// The folders of the classes are missing, too many or inconsistent.
    #[error("{} is not a folder of classes of images: {reason}", path.display())]
    Classes {
        /// The folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Image files cannot be read.
    #[error("{n} of the files in {} cannot be used: repair or remove them\n  {list}", path.display())]
    Images {
        /// The folder of the part.
        path: PathBuf,
        /// How many.
        n: usize,
        /// The files with what is wrong, one a line; the first of very many.
        list: String,
    },
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
        "{n} images cannot be split into {n_train} for training and {n_val} for validation{}: use more images, another \
         val_fraction, or no stratification",
        if *.n_classes > 1 { format!(", with each of the {n_classes} classes in both") } else { String::new() }
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
        class: u16,
    },
    /// A stored image cannot become the network's input.
    #[error("the image at position {index} cannot be prepared: choose another preparation")]
    Prepare {
        /// Its position among the training or the test images, from 0.
        index: usize,
        /// What is wrong.
        source: Box<images::Error>,
    },
    /// Settings of the network's input contradict each other.
    #[error("prepare = \"digit\" gives images of 28x28 grey levels, not {}x{} in {} channels: leave size and color out, or \
        choose another preparation", shape.height, shape.width, shape.channels)]
    Input {
        /// The shape that was asked for.
        shape: images::ImageShape,
    },
    /// Statistics were requested of no images.
    #[error("there are no images to compute statistics of: use at least one")]
    NoImages,
}
