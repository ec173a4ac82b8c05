//! From the bytes of a PNG, JPEG or PNM file to grey levels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::{Error, Result};

/// Largest file that is read: far above any photograph, far below what would hurt.
const MAX_FILE: u64 = 128 << 20;
/// Longest side that is decoded, in pixels: twice that of a 100-megapixel camera's picture.
const MAX_SIDE: u32 = 16_384;
/// Most memory a decoded picture may take: 64 megapixels in RGBA, and twice as many in grey.
const MAX_DECODED: u64 = 256 << 20;
/// The most bytes that deflate makes of one (<https://zlib.net/zlib_tech.html>, "Maximum Compression
/// Factor"); a pixel of one bit then becomes a byte. A PNG that claims more is not whole, and is refused
/// before its picture is allocated.
const DEFLATE_FACTOR: u64 = 1032;
/// A mean grey level from here on counts as bright.
const BRIGHT: u64 = 128;

/// A grey picture as it was decoded; not yet the network's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    /// Width, in pixels.
    pub width: usize,
    /// Height, in pixels.
    pub height: usize,
    /// `width * height` grey levels, row by row, 0 is black and 255 white.
    pub pixels: Vec<u8>,
    /// Whether the format may have added faint levels of its own around strokes, as JPEG does.
    pub lossy: bool,
}

/// Reads a picture file; its content tells the format, not its extension. See [`decode`].
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

/// Decodes the bytes of a PNG, JPEG or PNM (PGM, PPM, PBM) file to grey levels.
///
/// Colours become their luma (Rec. 709), 16 bits become 8, the EXIF orientation is applied. Where
/// the picture is transparent, a background is put behind it: see the source of `flatten`.
///
/// # Errors
/// [`Error::Format`], [`Error::Gigantic`] before anything of that size is allocated,
/// [`Error::CutOff`] or [`Error::Corrupt`].
pub fn decode(bytes: &[u8]) -> Result<Grey> {
    decode_within(bytes, u64::MAX)
}

/// [`decode`], for a picture of at most `max_pixels`: what a stranger sends may be small and claim to
/// be large.
///
/// # Errors
/// As [`decode`]; [`Error::Gigantic`] also beyond `max_pixels`.
pub fn decode_within(bytes: &[u8], max_pixels: u64) -> Result<Grey> {
    let format = image::guess_format(bytes).map_err(|_| Error::Format)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Pnm) {
        return Err(Error::Format);
    }
    let corrupt = |source| Error::Corrupt { source };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // The sides are checked below, where the error can name them.
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

/// Whether a JPEG has its end marker, which the decoder does not insist on.
///
/// Scan data never contains that marker (ITU-T T.81, B.1.1.5), but a thumbnail among the segments
/// before the first scan does, so these are skipped.
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
    true // Not as it should be, which the decoder says better.
}

/// Puts a background behind a transparent picture.
///
/// A drawing on a transparent canvas is ink alone, dark or white, so it gets the background that
/// contrasts with the opaque pixels. Where more than half is opaque, these hold the paper too (a
/// scan with cut-off corners, say), so the background continues the paper instead.
fn flatten(image: &image::GrayAlphaImage) -> Vec<u8> {
    let (mut ink, mut cover) = (0, 0);
    for &image::LumaA([luma, alpha]) in image.pixels() {
        ink += u64::from(luma) * u64::from(alpha);
        cover += u64::from(alpha);
    }
    let bright = ink >= BRIGHT * cover;
    let mostly_opaque = 2 * cover > 255 * u64::from(image.width()) * u64::from(image.height());
    let background: u32 = if bright == mostly_opaque { 255 } else { 0 };
    let over = |&image::LumaA([luma, alpha]): &image::LumaA<u8>| {
        let (luma, alpha) = (u32::from(luma), u32::from(alpha));
        ((luma * alpha + background * (255 - alpha) + 127) / 255) as u8
    };
    image.pixels().map(over).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{GrayImage, ImageBuffer, Luma, LumaA, Rgba, RgbaImage};
    use proptest::prelude::*;

    use super::*;

    fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn gradient() -> GrayImage {
        GrayImage::from_fn(31, 17, |x, y| Luma([(x * 7 + y * 3) as u8]))
    }

    #[test]
    fn lossless_formats_keep_every_grey_level() {
        let expected = gradient();
        for format in [ImageFormat::Png, ImageFormat::Pnm] {
            let grey = decode(&encode(expected.clone(), format)).unwrap();
            assert_eq!((grey.width, grey.height), (31, 17));
            assert_eq!(&grey.pixels, expected.as_raw());
        }
    }

    #[test]
    fn jpeg_comes_close() {
        let grey = decode(&encode(gradient(), ImageFormat::Jpeg)).unwrap();
        assert_eq!((grey.width, grey.height), (31, 17));
        let worst = grey.pixels.iter().zip(gradient().iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst.unwrap() < 40, "{worst:?}");
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let image: ImageBuffer<Luma<u16>, Vec<u16>> =
            ImageBuffer::from_fn(4, 1, |x, _| Luma([[0u16, 257, 0x8080, 0xffff][x as usize]]));
        assert_eq!(decode(&encode(image, ImageFormat::Png)).unwrap().pixels, [0, 1, 128, 255]);
    }

    #[test]
    fn transparent_drawings_contrast_with_their_background() {
        let canvas = |ink| {
            let colour = |x| if x == 3 { Rgba([ink, ink, ink, 255]) } else { Rgba([0, 0, 0, 0]) };
            encode(RgbaImage::from_fn(8, 8, |x, _| colour(x)), ImageFormat::Png)
        };
        assert_eq!(decode(&canvas(0)).unwrap().pixels[..4], [255, 255, 255, 0]);
        assert_eq!(decode(&canvas(255)).unwrap().pixels[..4], [0, 0, 0, 255]);
    }

    #[test]
    fn transparent_corners_of_a_scan_become_paper() {
        let level = |x, y| match (x, y) {
            (0, 0) => LumaA([0, 0]),
            (4, _) => LumaA([10, 255]),
            _ => LumaA([240, 255]),
        };
        let image = image::GrayAlphaImage::from_fn(8, 8, level);
        assert_eq!(decode(&encode(image, ImageFormat::Png)).unwrap().pixels[0], 255);
    }

    #[test]
    fn exif_orientation_is_applied() {
        let jpeg = encode(GrayImage::from_pixel(16, 8, Luma([99])), ImageFormat::Jpeg);
        // An APP1 segment with one EXIF entry: orientation (0x0112) = 6, turned by 90 degrees.
        let header = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01";
        let entry = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let turned = [&jpeg[..2], header, entry, &jpeg[2..]].concat();
        let grey = decode(&turned).unwrap();
        assert_eq!((grey.width, grey.height), (8, 16));
    }

    #[test]
    fn a_header_that_claims_a_gigantic_picture_is_refused() {
        let mut png = encode(gradient(), ImageFormat::Png);
        png[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        let error = decode(&png).unwrap_err();
        assert!(
            matches!(error, Error::Gigantic { width: 60_000, height: 60_000, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("60000x60000"));
        // Within all bounds, but more than its bytes can hold.
        png[16..20].copy_from_slice(&4_000u32.to_be_bytes());
        png[20..24].copy_from_slice(&4_000u32.to_be_bytes());
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        let error = decode(&png).unwrap_err();
        assert!(matches!(error, Error::CutOff), "{error:?}");
        let error = decode(b"P5 60000 60000 255\n").unwrap_err();
        assert!(matches!(error, Error::Gigantic { .. }), "{error:?}");
        // Within the sides, but 1 GiB once decoded.
        let error = decode(b"P6 16384 16384 255\n").unwrap_err();
        assert!(matches!(error, Error::Gigantic { .. }), "{error:?}");
    }

    /// The CRC-32 of a PNG chunk.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        })
    }

    #[test]
    fn cut_off_pictures_are_corrupt_and_other_files_are_no_pictures() {
        for format in [ImageFormat::Png, ImageFormat::Pnm] {
            let bytes = encode(gradient(), format);
            let error = decode(&bytes[..bytes.len() / 2]).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        }
        for bytes in [&b""[..], b"hello", b"GIF89a......", b"<svg/>"] {
            assert!(matches!(decode(bytes), Err(Error::Format)));
        }
    }

    #[test]
    fn cut_off_jpegs_are_refused_though_decoders_accept_them() {
        let bytes = encode(gradient(), ImageFormat::Jpeg);
        for length in [bytes.len() - 1, bytes.len() - 2, bytes.len() - 60] {
            let error = decode(&bytes[..length]).unwrap_err();
            assert!(matches!(error, Error::CutOff), "{error:?}");
        }
        // An end marker in a thumbnail is not the picture's; what follows the picture is ignored.
        let thumbnail = [&bytes[..2], b"\xff\xe1\0\x06\xff\xd9\0\0", &bytes[2..]].concat();
        assert!(matches!(decode(&thumbnail[..thumbnail.len() - 2]), Err(Error::CutOff)));
        assert!(decode(&[&thumbnail[..], b"motion"].concat()).is_ok());
    }

    #[test]
    fn read_names_the_file_and_ignores_its_extension() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five.jpg");
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("five.jpg"));
        let Error::File { source, .. } = error else { panic!("{error:?}") };
        assert!(matches!(*source, Error::Read { .. }));
        std::fs::write(&path, encode(gradient(), ImageFormat::Png)).unwrap();
        assert_eq!(read(&path).unwrap().width, 31);
        std::fs::File::create(&path).unwrap().set_len(MAX_FILE + 1).unwrap();
        let Err(Error::File { source, .. }) = read(&path) else { panic!() };
        assert!(matches!(*source, Error::GiganticFile { .. }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            magic in 0..4usize,
        ) {
            let magics = [&b""[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"P2 "];
            let _ = decode(&[magics[magic], &bytes].concat());
        }

        #[test]
        fn no_mutation_of_a_real_picture_panics(
            length in 0.0..=1.0f64,
            flips in proptest::collection::vec((0.0..1.0f64, any::<u8>()), 0..8),
            format in 0..3usize,
        ) {
            let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Pnm][format];
            let mut bytes = encode(gradient(), format);
            bytes.truncate((bytes.len() as f64 * length) as usize);
            for (place, flip) in flips {
                let index = (bytes.len() as f64 * place) as usize;
                if let Some(byte) = bytes.get_mut(index) {
                    *byte ^= flip;
                }
            }
            if let Ok(grey) = decode(&bytes) {
                prop_assert_eq!(grey.pixels.len(), grey.width * grey.height);
                let _ = crate::to_network(&grey, crate::Preparation::Auto);
            }
        }
    }
}
