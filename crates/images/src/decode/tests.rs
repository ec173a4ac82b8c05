//! Decoding valid, truncated, malformed and oversized images.

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
        let grey = decode(&encode(expected.clone(), format)).unwrap().to_grey();
        assert_eq!((grey.width, grey.height), (31, 17));
        assert_eq!(&grey.pixels, expected.as_raw());
    }
}

#[test]
fn jpeg_is_close() {
    let grey = decode(&encode(gradient(), ImageFormat::Jpeg)).unwrap().to_grey();
    assert_eq!((grey.width, grey.height), (31, 17));
    let worst = grey.pixels.iter().zip(gradient().iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst.unwrap() < 40, "{worst:?}");
}

#[test]
fn sixteen_bits_become_eight() {
    let image: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(4, 1, |x, _| Luma([[0u16, 257, 0x8080, 0xffff][x as usize]]));
    assert_eq!(
        decode(&encode(image, ImageFormat::Png)).unwrap().to_grey().pixels,
        [0, 1, 128, 255]
    );
}

/// Red on the left and blue on the right, as Pillow writes them: `convert("CMYK")` as JPEG, `quantize(4)` as PNG.
#[test]
fn cmyk_and_palettes_become_their_colours() {
    let files: [(&str, &[u8]); 2] = [
        ("cmyk", include_bytes!("files/cmyk.jpg")),
        ("palette", include_bytes!("files/palette.png")),
    ];
    for (name, bytes) in files {
        let planes = decode(bytes).unwrap().planes(3);
        for (plane, [left, right]) in planes.iter().zip([[230, 40], [40, 60], [40, 220]]) {
            assert_eq!(plane.len(), 16 * 16);
            for (i, &level) in plane.iter().enumerate() {
                let expected: u8 = if i % 16 < 8 { left } else { right };
                assert!(level.abs_diff(expected) <= 8, "{name}, column {}: {level}", i % 16);
            }
        }
    }
}

#[test]
fn transparent_drawings_contrast_with_their_background() {
    let canvas = |ink| {
        let colour = |x| if x == 3 { Rgba([ink, ink, ink, 255]) } else { Rgba([0, 0, 0, 0]) };
        encode(RgbaImage::from_fn(8, 8, |x, _| colour(x)), ImageFormat::Png)
    };
    assert_eq!(decode(&canvas(0)).unwrap().to_grey().pixels[..4], [255, 255, 255, 0]);
    assert_eq!(decode(&canvas(255)).unwrap().to_grey().pixels[..4], [0, 0, 0, 255]);
}

#[test]
fn transparent_corners_of_a_scan_get_the_level_of_the_paper() {
    let level = |x, y| match (x, y) {
        (0, 0) => LumaA([0, 0]),
        (4, _) => LumaA([10, 255]),
        _ => LumaA([240, 255]),
    };
    let image = image::GrayAlphaImage::from_fn(8, 8, level);
    assert_eq!(decode(&encode(image, ImageFormat::Png)).unwrap().to_grey().pixels[0], 255);
}

#[test]
fn exif_orientation_is_applied() {
    let jpeg = encode(GrayImage::from_pixel(16, 8, Luma([99])), ImageFormat::Jpeg);
    // An APP1 segment with one EXIF entry: orientation (0x0112) = 6, rotated by 90 degrees.
    let header = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01";
    let entry = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&jpeg[..2], header, entry, &jpeg[2..]].concat();
    let grey = decode(&turned).unwrap().to_grey();
    assert_eq!((grey.width, grey.height), (8, 16));
}

#[test]
fn a_header_that_claims_a_gigantic_image_is_refused() {
    let mut png = encode(gradient(), ImageFormat::Png);
    png[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let error = decode(&png).unwrap_err();
    assert!(matches!(error, Error::Gigantic { width: 60_000, height: 60_000, .. }), "{error:?}");
    assert!(error.to_string().contains("60000x60000"));
    // Within the limits, but more pixels than its bytes can hold.
    png[16..20].copy_from_slice(&4_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&4_000u32.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    let error = decode(&png).unwrap_err();
    assert!(matches!(error, Error::CutOff), "{error:?}");
    let error = decode(b"P5 60000 60000 255\n").unwrap_err();
    assert!(matches!(error, Error::Gigantic { .. }), "{error:?}");
    // Within the limit of the sides, but 768 MiB decoded.
    let error = decode(b"P6 16384 16384 255\n").unwrap_err();
    assert!(matches!(error, Error::Gigantic { .. }), "{error:?}");
}

#[test]
fn an_image_without_pixels_is_refused() {
    let gif = [&b"GIF89a"[..], &[0, 0, 5, 0, 0, 0, 0, 0x3b]].concat();
    for bytes in [&b"P5 0 0 255\n"[..], b"P5 5 0 255\n", b"P6 0 7 255\n", b"P4 0 0\n", &gif] {
        let error = decode(bytes).unwrap_err();
        assert!(matches!(error, Error::Empty { .. } | Error::Corrupt { .. }), "{error:?}");
    }
}

#[test]
fn a_large_image_is_decoded_in_every_lossless_format() {
    let large = GrayImage::from_fn(5000, 4000, |x, y| image::Luma([(x ^ y) as u8]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Pnm] {
        let image = decode(&encode(large.clone(), format)).unwrap();
        assert_eq!((image.width(), image.height()), (5000, 4000), "{format:?}");
    }
}

/// The CRC-32 of a PNG chunk.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[test]
fn truncated_images_are_corrupt_and_other_files_are_refused() {
    for format in [ImageFormat::Png, ImageFormat::Pnm] {
        let bytes = encode(gradient(), format);
        let error = decode(&bytes[..bytes.len() / 2]).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    }
    for bytes in [&b""[..], b"hello", b"<svg/>"] {
        assert!(matches!(decode(bytes), Err(Error::Format)));
    }
}

#[test]
fn truncated_jpegs_are_refused_although_decoders_accept_them() {
    let bytes = encode(gradient(), ImageFormat::Jpeg);
    for length in [bytes.len() - 1, bytes.len() - 2, bytes.len() - 60] {
        let error = decode(&bytes[..length]).unwrap_err();
        assert!(matches!(error, Error::CutOff), "{error:?}");
    }
    // The end marker of a thumbnail does not count, and bytes after the image are ignored.
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
    assert_eq!(read(&path).unwrap().width(), 31);
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
    fn no_mutation_of_a_valid_image_panics(
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
        if let Ok(image) = decode(&bytes) {
            let grey = image.to_grey();
            prop_assert_eq!(grey.pixels.len(), grey.width * grey.height);
            let _ = crate::to_network(&image, crate::ImageShape::DIGIT, crate::Preparation::Digit);
        }
    }
}
