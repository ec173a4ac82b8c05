//! Decodes PNG, JPEG, WebP, GIF, BMP and PNM files.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::{Error, Result};
use crate::raster::Image;

/// The formats that are decoded.
const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Png,
    ImageFormat::Jpeg,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Bmp,
    ImageFormat::Pnm,
];
/// Largest file that is read, in bytes: far above any photograph.
const MAX_FILE: u64 = 128 << 20;
/// Longest side that is decoded, in pixels.
const MAX_SIDE: u32 = 16_384;
/// Most pixels that are decoded: more than a telephone's camera has. Preparation takes up to seven bytes for each.
const MAX_PIXELS: u64 = 64 << 20;
/// Most memory a decoded image may take, in bytes: [`MAX_PIXELS`] in RGBA.
const MAX_DECODED: u64 = 256 << 20;
/// Most memory that a PNG may take besides its pixels, in bytes: a few bytes of a colour profile can claim any size, and
/// real ones have less than a mebibyte.
const MAX_PNG_PROFILE: u64 = 4 << 20;
/// Largest compression ratio of deflate (<https://zlib.net/zlib_tech.html>, "Maximum Compression Factor"); decoding
/// then expands a pixel of one bit to a byte. A PNG that claims more is truncated, and is refused before anything of
/// that size is allocated.
const DEFLATE_FACTOR: u64 = 1032;
/// Reads an image file; the format is that of its content, whatever its extension. See [`decode`].
///
/// # Errors
/// [`Error::File`] naming `path`, whose source is [`Error::Read`], [`Error::GiganticFile`] or what
/// [`decode`] returns.
pub fn read(path: &Path) -> Result<Image> {
    read_bytes(path).and_then(|bytes| decode(&bytes)).map_err(|error| error.of(path))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::GiganticFile { limit: MAX_FILE });
    }
    Ok(bytes)
}

/// Decodes the bytes of a PNG, JPEG, WebP, GIF, BMP or PNM (PGM, PPM, PBM) file, of an animation its first image.
///
/// 16 bits become 8, palettes and CMYK become colours, and the EXIF orientation is applied.
///
/// # Errors
/// [`Error::Format`], [`Error::Gigantic`] before anything of that size is allocated, [`Error::Empty`],
/// [`Error::CutOff`] or [`Error::Corrupt`].
pub fn decode(bytes: &[u8]) -> Result<Image> {
    decode_within(bytes, MAX_PIXELS)
}

/// [`decode`], for an image of at most `max_pixels`: an upload of a few bytes can claim any size.
///
/// # Errors
/// As [`decode`]; [`Error::Gigantic`] also beyond `max_pixels`.
pub fn decode_within(bytes: &[u8], max_pixels: u64) -> Result<Image> {
    let format = image::guess_format(bytes).map_err(|_| Error::Format)?;
    if !FORMATS.contains(&format) {
        return Err(Error::Format);
    }
    let corrupt = |source| Error::Corrupt { source };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // The sides are checked below, so that the error can name them.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(if format == ImageFormat::Png { MAX_PNG_PROFILE } else { MAX_DECODED });
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Error::Empty { width, height });
    }
    let of_pixel = u64::from(decoder.color_type().bytes_per_pixel());
    let max_pixels = max_pixels.min(MAX_PIXELS).min(MAX_DECODED / of_pixel);
    let too_many = u64::from(width) * u64::from(height) > max_pixels;
    if width > MAX_SIDE || height > MAX_SIDE || too_many {
        return Err(Error::Gigantic { width, height, side: MAX_SIDE, max_pixels });
    }
    let inflated = DEFLATE_FACTOR * 8 * bytes.len() as u64;
    let claims_more = format == ImageFormat::Png && decoder.total_bytes() > inflated;
    if claims_more || (format == ImageFormat::Jpeg && !has_end(bytes)) {
        return Err(Error::CutOff);
    }
    let orientation = decoder.orientation().map_err(corrupt)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    image.apply_orientation(orientation);
    Ok(Image::new(image, format == ImageFormat::Jpeg))
}

/// Whether a JPEG has its end marker, which the decoder does not require.
///
/// Scan data never contains that marker (ITU-T T.81, B.1.1.5), but a thumbnail in a segment before the first scan does,
/// so these segments are skipped.
fn has_end(jpeg: &[u8]) -> bool {
    let (start_of_scan, end_of_image, fill) = (0xda, [0xff, 0xd9], 0xff);
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, high, low, ..] = *rest {
        if marker == start_of_scan {
            return rest.windows(2).any(|bytes| bytes == end_of_image);
        }
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(if marker == fill { 1 } else { length }..).unwrap_or_default();
    }
    true // Malformed: the decoder reports that better.
}

#[cfg(test)]
mod tests;
