//! What can go wrong between files and predictions.

use std::path::PathBuf;

/// The result of loading a model or of classifying pictures.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between files and predictions; every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read a file.
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
    /// A file is larger than anything meant for this program, so it was not read to its end.
    #[error(
        "{} has more than {} MiB: check that it is the file you meant",
        path.display(),
        limit >> 20
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// A model file is empty, cut off, or something else than ONNX.
    #[error("{} is not an ONNX model ({reason}): export or download it again", path.display())]
    NotOnnx {
        /// The model file.
        path: PathBuf,
        /// What is wrong with its content.
        reason: String,
    },
    /// An ONNX model that is not a kiln digit classifier.
    #[error(
        "{} is not a model that kiln serves: expected {expected}, found {found}; export it anew",
        path.display()
    )]
    Contract {
        /// The model file.
        path: PathBuf,
        /// What every kiln model has.
        expected: String,
        /// What this one has in its place.
        found: String,
    },
    /// A model holds, or computes, numbers that are not finite.
    #[error("{} is damaged: {what} not finite; train and export it again", path.display())]
    NotFinite {
        /// The model file.
        path: PathBuf,
        /// The weights or outputs, with their verb: "the logits are".
        what: String,
    },
    /// tract cannot run the model, although it keeps the contract.
    #[error("tract cannot run {}: export it again ({reason})", path.display())]
    Unsupported {
        /// The model file.
        path: PathBuf,
        /// tract's reason.
        reason: String,
    },
    /// The pixels handed over are not a whole number of pictures.
    #[error("{length} bytes are not a whole number of pictures: pass {picture} for each")]
    Pixels {
        /// Bytes that were passed.
        length: usize,
        /// Bytes of one picture.
        picture: usize,
    },
    /// tract failed while it ran a model that it had accepted.
    #[error("the model failed on this picture: export it again ({reason})")]
    Inference {
        /// tract's reason.
        reason: String,
    },
    /// A file of pictures is neither a picture nor a whole IDX file.
    #[error("{} is not a file of pictures ({reason}): download it again", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        reason: String,
    },
    /// A picture could not be prepared for the network.
    #[error("cannot use the picture {}", at(path, *index))]
    Picture {
        /// The file.
        path: PathBuf,
        /// Which picture of an IDX file it is, from 0; `None` for a file of one picture.
        index: Option<usize>,
        /// What is wrong with it and what to do.
        source: images::Error,
    },
    /// The address to serve on cannot be had.
    #[error(
        "cannot listen on {address}: stop what listens there, or choose another --host or --port"
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A bearer token is empty, or has characters that no header carries.
    #[error("the bearer token is empty or not printable ASCII: write it anew, without spaces")]
    Token,
    /// The operating system refused what a server needs to run at all.
    #[error("cannot start threads to serve with ({reason}): raise the limits of this process")]
    Threads {
        /// The reason, in words.
        reason: String,
    },
}

fn at(path: &std::path::Path, index: Option<usize>) -> String {
    match index {
        Some(index) => format!("{}[{index}]", path.display()),
        None => path.display().to_string(),
    }
}
