//! Reads image files, of one image or many, and prepares them for a model.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use images::{Grey, Image, ImageShape, Preparation, Prepared, to_network};

use crate::error::{Error, Result};

/// The name that means standard input.
const STDIN: &str = "-";
/// The largest file that is read, and the largest that one may decompress to, in bytes: twice the largest data set of
/// this kind (EMNIST ByClass, 547 MB of training images). A gzip bomb is refused there.
const MAX_INPUT_BYTES: u64 = 1 << 30;
/// The first bytes of a gzip file (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The first bytes of an IDX file of images: unsigned bytes in three dimensions
/// (<http://yann.lecun.com/exdb/mnist/>, "The IDX file format").
const IDX_IMAGES: [u8; 4] = [0, 0, 8, 3];
/// Bytes of an IDX header: the magic number and three big-endian dimensions.
const IDX_HEADER: usize = 16;

/// The images of one file.
#[derive(Debug)]
pub(crate) struct Images {
    /// Whether the file numbers its images, as IDX does.
    pub(crate) numbered: bool,
    /// The images, in the model's input shape.
    pub(crate) prepared: Vec<Prepared>,
}

/// Reads the images of `path`, or of standard input if it is `-`, and prepares them for a model that takes `shape`.
pub(crate) fn read(path: &Path, shape: ImageShape, preparation: Preparation) -> Result<Images> {
    let bytes = if path.as_os_str() == STDIN {
        read_at_most(MAX_INPUT_BYTES, io::stdin().lock(), path)?
    } else {
        read_file(MAX_INPUT_BYTES, path)?
    };
    let bytes = if bytes.starts_with(&GZIP) {
        read_at_most(MAX_INPUT_BYTES, MultiGzDecoder::new(&*bytes), path)?
    } else {
        bytes
    };
    let unusable = |index| move |source| Error::Image { path: path.to_owned(), index, source };
    if !bytes.starts_with(&IDX_IMAGES) {
        let prepared =
            images::decode(&bytes).and_then(|image| to_network(&image, shape, preparation));
        return Ok(Images { numbered: false, prepared: vec![prepared.map_err(unusable(None))?] });
    }
    let [_, height, width] =
        idx_dimensions(&bytes).map_err(|reason| Error::Idx { path: path.to_owned(), reason })?;
    // As in training: an IDX file of the network's size holds images as the network takes them.
    let ready = shape == (ImageShape { channels: 1, height, width });
    let preparation = if ready { Preparation::Stretch } else { preparation };
    let mut prepared = Vec::new();
    for (index, image) in bytes[IDX_HEADER..].chunks_exact(height * width).enumerate() {
        let grey = Grey { width, height, pixels: image.to_vec(), lossy: false };
        let image = Image::from_grey(grey);
        let image = image.and_then(|image| to_network(&image, shape, preparation));
        prepared.push(image.map_err(unusable(Some(index)))?);
    }
    Ok(Images { numbered: true, prepared })
}

/// Reads a whole file, unless it has more than `limit` bytes.
pub(crate) fn read_file(limit: u64, path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path);
    read_at_most(limit, file.map_err(|source| Error::Read { path: path.to_owned(), source })?, path)
}

pub(crate) fn read_at_most(limit: u64, source: impl Read, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = source.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Number, height and width of an IDX file's images; each is at least 1, and the file has exactly their bytes.
fn idx_dimensions(bytes: &[u8]) -> std::result::Result<[usize; 3], String> {
    let header = bytes.get(IDX_IMAGES.len()..IDX_HEADER).ok_or("its header is cut off")?;
    let mut dimensions = [0; 3];
    for (dimension, bytes) in dimensions.iter_mut().zip(header.chunks_exact(4)) {
        *dimension = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    }
    let [n, height, width] = dimensions;
    let expected = dimensions.iter().try_fold(1_usize, |volume, &d| volume.checked_mul(d));
    let found = bytes.len() - IDX_HEADER;
    match expected {
        Some(0) => Err("it contains no images".into()),
        Some(expected) if expected == found => Ok(dimensions),
        _ => Err(format!("{n} images of {width}x{height} are not {found} bytes")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn header(dimensions: [u32; 3]) -> Vec<u8> {
        let dimensions = dimensions.iter().flat_map(|d| d.to_be_bytes());
        IDX_IMAGES.into_iter().chain(dimensions).collect()
    }

    #[test]
    fn an_idx_header_must_match_the_bytes_after_it() {
        let whole = [header([2, 3, 4]), vec![0; 24]].concat();
        assert_eq!(idx_dimensions(&whole), Ok([2, 3, 4]));
        for cut in [4, 15, 16, 39] {
            assert!(idx_dimensions(&whole[..cut]).is_err(), "{cut} bytes");
        }
        assert!(idx_dimensions(&[whole, vec![0]].concat()).is_err());
    }

    #[test]
    fn idx_dimensions_that_overflow_or_are_zero_are_refused() {
        assert!(idx_dimensions(&header([u32::MAX; 3])).is_err());
        assert!(idx_dimensions(&header([0, 28, 28])).is_err());
        assert!(idx_dimensions(&header([5, 0, 28])).is_err());
    }

    #[test]
    fn a_stream_beyond_the_limit_is_refused_without_reading_on() {
        let error = read_at_most(9, io::repeat(0), Path::new("bomb.gz")).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 9, .. }));
        assert_eq!(read_at_most(9, &[7; 9][..], Path::new("whole")).unwrap(), [7; 9]);
    }
}
