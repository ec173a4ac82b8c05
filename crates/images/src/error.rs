//! What can go wrong between an image file and the network's input.

use std::path::{Path, PathBuf};

use crate::prepare::Preparation;
use crate::shape::ImageShape;

/// The result of reading or preparing an image.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong between an image file and the network's input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image file cannot be used; the source says why and what to do.
    #[error("cannot use the image {}", path.display())]
    File {
        /// The image file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// The operating system refused to read the file.
    #[error(
        "it cannot be read: check that it exists, is a file, and that its permissions allow reading"
    )]
    Read {
        /// The operating system's reason.
        #[from]
        source: std::io::Error,
    },
    /// The file is larger than any reasonable image, so it was not read.
    #[error("the file is too large, more than {limit} bytes: scale the image down")]
    GiganticFile {
        /// The largest file that is read, in bytes.
        limit: u64,
    },
    /// The image's header claims more pixels than are decoded, so nothing was allocated.
    #[error(
        "it is too large, {width}x{height} pixels: scale it down to at most {side} pixels a side and {} megapixels",
        max_pixels / 1_000_000
    )]
    Gigantic {
        /// Claimed width, in pixels.
        width: u32,
        /// Claimed height, in pixels.
        height: u32,
        /// The longest side that is decoded, in pixels.
        side: u32,
        /// The most pixels that are decoded of such an image.
        max_pixels: u64,
    },
    /// The image's header claims no pixels.
    #[error("it has no pixels, {width}x{height} by its header: save or download it again")]
    Empty {
        /// Claimed width, in pixels.
        width: u32,
        /// Claimed height, in pixels.
        height: u32,
    },
    /// The bytes do not start with the signature of a PNG, JPEG, WebP, GIF, BMP or PNM file.
    #[error(
        "it is not a PNG, JPEG, WebP, GIF, BMP or PGM image, whatever its name: convert it to one of these"
    )]
    Format,
    /// The bytes start as an image, but are truncated or corrupt.
    #[error("it is truncated or corrupt: save or download it again")]
    Corrupt {
        /// The decoder's reason.
        source: image::ImageError,
    },
    /// An image is shorter than its header requires. Decoders would fill the rest of such a JPEG with grey.
    #[error("it is truncated: save or download it again")]
    CutOff,
    /// The buffer of a [`Grey`](crate::Grey) does not fit its width and height.
    #[error(
        "there are {length} grey levels for {width}x{height} pixels: pass width * height of them"
    )]
    Buffer {
        /// Length of the buffer.
        length: usize,
        /// Stated width, in pixels.
        width: usize,
        /// Stated height, in pixels.
        height: usize,
    },
    /// The preparation does not give images of the shape that the network takes.
    #[error(
        "the network takes {:?} (channels, height, width), which the preparation \"{}\" does not give: choose \
         another, or a model that fits", shape.dimensions(), preparation.name()
    )]
    Shape {
        /// The preparation.
        preparation: Preparation,
        /// What the network takes.
        shape: ImageShape,
    },
    /// The image has no digit.
    #[error(
        "it is blank, no digit stands out from the background: write one, or raise the contrast"
    )]
    Blank,
}

impl Error {
    /// The same error with the name of its file, for callers of [`to_network`].
    ///
    /// [`to_network`]: crate::to_network
    #[must_use]
    pub fn of(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), source: Box::new(self) }
    }
}
