//! Decodes PNG, JPEG, BMP and PNM files to grey levels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::{Error, Result};

/// Largest file that is read, in bytes: far above any photograph.
const MAX_FILE: u64 = 128 << 20;
/// Longest side that is decoded, in pixels: more than that of a 100-megapixel camera's image.
const MAX_SIDE: u32 = 16_384;
/// Most memory a decoded image may take, in bytes: 64 megapixels in RGBA, 256 in grey.
const MAX_DECODED: u64 = 256 << 20;
/// Largest compression ratio of deflate (<https://zlib.net/zlib_tech.html>, "Maximum Compression Factor"); decoding
/// then expands a pixel of one bit to a byte. A PNG that claims more is truncated, and is refused before anything of
/// that size is allocated.
const DEFLATE_FACTOR: u64 = 1032;
/// Mean grey levels from this one on count as bright.
const BRIGHT: u64 = 128;

/// A decoded image in grey levels; not yet the network's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    /// Width, in pixels.
    pub width: usize,
    /// Height, in pixels.
    pub height: usize,
    /// `width * height` grey levels, row by row, 0 is black and 255 white.
    pub pixels: Vec<u8>,
    /// Whether the format is lossy, as JPEG: its artefacts around strokes are not in the original.
    pub lossy: bool,
}

/// Reads an image file; the format is that of its content, whatever its extension. See [`decode`].
///
/// # Errors
/// [`Error::File`] naming `path`, whose source is [`Error::Read`], [`Error::GiganticFile`] or what
/// [`decode`] returns.
pub fn read(path: &Path) -> Result<Grey> {
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

/// Decodes the bytes of a PNG, JPEG, BMP or PNM (PGM, PPM, PBM) file to grey levels.
///
/// Colours become their luma (Rec. 709), 16 bits become 8, and the EXIF orientation is applied. A transparent image is
/// composited over the background that its opaque pixels suggest: one that contrasts with a drawing, or that continues
/// a scan.
///
/// # Errors
/// [`Error::Format`], [`Error::Gigantic`] before anything of that size is allocated,
/// [`Error::CutOff`] or [`Error::Corrupt`].
pub fn decode(bytes: &[u8]) -> Result<Grey> {
    decode_within(bytes, u64::MAX)
}

/// [`decode`], for an image of at most `max_pixels`: an upload of a few bytes can claim any size.
///
/// # Errors
/// As [`decode`]; [`Error::Gigantic`] also beyond `max_pixels`.
pub fn decode_within(bytes: &[u8], max_pixels: u64) -> Result<Grey> {
    let format = image::guess_format(bytes).map_err(|_| Error::Format)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Pnm | ImageFormat::Bmp)
    {
        return Err(Error::Format);
    }
    let corrupt = |source| Error::Corrupt { source };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // The sides are checked below, so that the error can name them.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    let too_many = u64::from(width) * u64::from(height) > max_pixels;
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_DECODED || too_many {
        let mebibytes = MAX_DECODED >> 20;
        return Err(Error::Gigantic { width, height, side: MAX_SIDE, mebibytes });
    }
    let inflated = DEFLATE_FACTOR * 8 * bytes.len() as u64;
    let claims_more = format == ImageFormat::Png && decoder.total_bytes() > inflated;
    if claims_more || (format == ImageFormat::Jpeg && !has_end(bytes)) {
        return Err(Error::CutOff);
    }
    let orientation = decoder.orientation().map_err(corrupt)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    image.apply_orientation(orientation);

    let (width, height) = (image.width() as usize, image.height() as usize);
    let pixels = if image.color().has_alpha() {
        flatten(&image.into_luma_alpha8())
    } else {
        image.into_luma8().into_raw()
    };
    Ok(Grey { width, height, pixels, lossy: format == ImageFormat::Jpeg })
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

/// Composites a transparent image over a background, black or white.
///
/// A drawing on a transparent canvas consists of strokes alone, dark or bright, so its background contrasts with the
/// opaque pixels. An image that is more than half opaque includes the paper (a scan with transparent corners, say), so
/// its background continues the opaque pixels.
fn flatten(image: &image::GrayAlphaImage) -> Vec<u8> {
    let (mut luma_sum, mut alpha_sum) = (0, 0);
    for &image::LumaA([luma, alpha]) in image.pixels() {
        luma_sum += u64::from(luma) * u64::from(alpha);
        alpha_sum += u64::from(alpha);
    }
    let bright = luma_sum >= BRIGHT * alpha_sum;
    let mostly_opaque = 2 * alpha_sum > 255 * u64::from(image.width()) * u64::from(image.height());
    let background: u32 = if bright == mostly_opaque { 255 } else { 0 };
    let over = |&image::LumaA([luma, alpha]): &image::LumaA<u8>| {
        let (luma, alpha) = (u32::from(luma), u32::from(alpha));
        ((luma * alpha + background * (255 - alpha) + 127) / 255) as u8
    };
    image.pixels().map(over).collect()
}

#[cfg(test)]
mod tests;
