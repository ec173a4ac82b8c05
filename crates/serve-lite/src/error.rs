//! The errors of this crate.

use std::path::{Path, PathBuf};

use crate::text::size_text;

/// The result of loading a model, classifying images or serving.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model could not be loaded, an image not classified, or a server not started; every message names a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not read a file.
    #[error(
        "cannot read {}: check that it exists, is a file, and that you may read it",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is larger than any valid input, so it was not read to its end.
    #[error("{} has more than {}: check that it is the intended file", path.display(), size_text(*limit))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// A folder that was named has no image files.
    #[error("{} has no image files ({})", path.display(), images::EXTENSIONS.join(", "))]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: check that its folder exists, and that you may write there", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file that is to be written exists, and is none that kiln wrote.
    #[error("{} exists and is no table of answers: name another file, or remove it", path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
    },
    /// The results or the reports of problems cannot be printed.
    #[error("cannot print the results")]
    Print {
        /// The operating system's reason.
        #[from]
        source: std::io::Error,
    },
    /// A model file is empty, truncated, or not ONNX.
    #[error("{} is not an ONNX model ({reason}): export or download it again", path.display())]
    NotOnnx {
        /// The model file.
        path: PathBuf,
        /// What is wrong with its content.
        reason: String,
    },
    /// An ONNX model whose inputs, outputs, metadata or operators are not those of a kiln classifier.
    #[error(
        "{} is not a model that kiln serves: expected {expected}, found {found}; export it again",
        path.display()
    )]
    Contract {
        /// The model file.
        path: PathBuf,
        /// What every kiln model has.
        expected: String,
        /// What this model has instead.
        found: String,
    },
    /// A model has weights or gives outputs that are not finite.
    #[error("{} is damaged: {what} not finite; train and export it again", path.display())]
    NotFinite {
        /// The model file.
        path: PathBuf,
        /// The weights or outputs, with a verb: "the logits are".
        what: String,
    },
    /// A model's output `probabilities` is not what its name says, for instance by a softmax over the wrong axis.
    #[error(
        "{} gives {found} as the probabilities of a plain image, which must be 0 to 1 with the sum 1: apply the softmax \
         over the classes, and export it again",
        path.display()
    )]
    NotProbabilities {
        /// The model file.
        path: PathBuf,
        /// The values: the least, the greatest, and their sum.
        found: String,
    },
    /// tract cannot run a model that meets the contract.
    #[error("tract cannot run {}: export it again ({reason})", path.display())]
    Unsupported {
        /// The model file.
        path: PathBuf,
        /// tract's reason.
        reason: String,
    },
    /// The pixels passed are not a whole number of images.
    #[error("{length} bytes are not a whole number of images: pass {image} bytes for each")]
    Pixels {
        /// Bytes that were passed.
        length: usize,
        /// Bytes of one image.
        image: usize,
    },
    /// tract failed while it ran a model that it had accepted.
    #[error("the model failed on this image: export it again ({reason})")]
    Inference {
        /// tract's reason.
        reason: String,
    },
    /// A file begins as an IDX file of images, but its header or length is wrong.
    #[error("{} is not a valid IDX file of images ({reason}): download it again", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        reason: String,
    },
    /// An image cannot be the model's input.
    #[error("cannot use the image {}", at(path, *index))]
    Image {
        /// The file.
        path: PathBuf,
        /// The position of the image in an IDX file, from 0; `None` for a file of one image.
        index: Option<usize>,
        /// What is wrong with it, and the remedy.
        source: images::Error,
    },
    /// The server cannot listen on its address.
    #[error(
        "cannot listen on {address}: stop the program that uses it, or choose another --host or --port"
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A bearer token is empty, or has characters that a header cannot carry.
    #[error("the bearer token is empty or not printable ASCII: write a new one, without spaces")]
    Token,
    /// The operating system refused the threads or signal handlers that a server needs.
    #[error("cannot start the server's threads ({reason}): raise the limits of this process")]
    Threads {
        /// The reason, as text.
        reason: String,
    },
}

fn at(path: &Path, index: Option<usize>) -> String {
    match index {
        Some(index) => format!("{}[{index}]", path.display()),
        None => path.display().to_string(),
    }
}
