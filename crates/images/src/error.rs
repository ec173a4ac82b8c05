//! What can go wrong between a picture file and the network's input.

use std::path::{Path, PathBuf};

/// The result of reading or preparing a picture.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between a picture file and the network's input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture file could not be used; the source says why and what to do.
    #[error("cannot use the picture {}", path.display())]
    File {
        /// The picture file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The operating system refused to read the file.
    #[error("it cannot be read: check that it exists, is a file, and that you may read it")]
    Read {
        /// The operating system's reason.
        #[from]
        source: std::io::Error,
    },
    /// The file is larger than any reasonable picture, so it was not read.
    #[error("it is a gigantic file, more than {limit} bytes: save the picture smaller")]
    GiganticFile {
        /// The largest file that is read, in bytes.
        limit: u64,
    },
    /// The picture's header claims more pixels than are decoded, so nothing was allocated.
    #[error(
        "it is gigantic, {width}x{height} pixels: scale it down to at most {side} pixels a side \
         and {mebibytes} MiB decoded"
    )]
    Gigantic {
        /// Claimed width, in pixels.
        width: u32,
        /// Claimed height, in pixels.
        height: u32,
        /// The longest side that is decoded, in pixels.
        side: u32,
        /// The most memory a decoded picture may take, in MiB.
        mebibytes: u64,
    },
    /// The bytes do not begin as a PNG, a JPEG or a PNM does.
    #[error("it is not a PNG, JPEG or PGM picture, whatever its name: convert it to one of these")]
    Format,
    /// The bytes begin as a picture, but are cut off or corrupt.
    #[error("its content is cut off or corrupt: save or download it again")]
    Corrupt {
        /// The decoder's reason.
        source: image::ImageError,
    },
    /// A JPEG ends before its end marker; decoders would fill the rest with grey.
    #[error("it is cut off: save or download it again")]
    CutOff,
    /// A [`Grey`](crate::Grey) whose buffer does not fit its width and height.
    #[error("{length} grey levels are not {width}x{height} pixels: pass width * height of them")]
    Buffer {
        /// Length of the buffer.
        length: usize,
        /// Stated width, in pixels.
        width: usize,
        /// Stated height, in pixels.
        height: usize,
    },
    /// A picture that should be taken as it is has not the network's size.
    #[error(
        "it has {width}x{height} pixels, but only a 28x28 picture can be taken as it is: resize \
         it, or let kiln prepare it as a digit"
    )]
    Size {
        /// Width, in pixels.
        width: usize,
        /// Height, in pixels.
        height: usize,
    },
    /// Nothing in the picture stands out from its background.
    #[error(
        "it is blank, nothing stands out from the background: draw a digit, or raise the contrast"
    )]
    Blank,
}

impl Error {
    /// The same error with the file it happened in: what a caller of [`to_network`] adds.
    ///
    /// [`to_network`]: crate::to_network
    #[must_use]
    pub fn of(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), source: Box::new(self) }
    }
}
