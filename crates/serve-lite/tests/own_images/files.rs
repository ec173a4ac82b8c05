//! One image in the file formats that people have.

use std::io::{Cursor, Write};

use image::{DynamicImage, ImageBuffer, ImageFormat, Rgb, Rgba, RgbaImage};

/// Sides of the image, in pixels.
pub(crate) const WIDTH: u32 = 40;
pub(crate) const HEIGHT: u32 = 24;

/// Red on the left, blue on the right, and a gradient down.
fn colour(x: u32, y: u32) -> [u8; 3] {
    let level = 255 - (y * 6) as u8;
    if x < WIDTH / 2 { [level, 20, (x * 3) as u8] } else { [30, (x * 2) as u8, level] }
}

/// Name, and the bytes of the file.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let rgb = ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Rgb(colour(x, y)));
    let alpha = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let [r, g, b] = colour(x, y);
        Rgba([r, g, b, if y < 4 { 0 } else { 255 - (x * 4) as u8 }])
    });
    let deep = ImageBuffer::<Rgb<u16>, _>::from_fn(WIDTH, HEIGHT, |x, y| {
        Rgb(colour(x, y).map(|level| u16::from(level) * 257 + 40))
    });
    let rgb = DynamicImage::ImageRgb8(rgb);
    let jpeg = encoded(&rgb, ImageFormat::Jpeg);
    // An APP1 segment with one EXIF entry: orientation (0x0112) = 6, rotated by 90 degrees.
    let header = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01";
    let entry = b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&jpeg[..2], header, entry, &jpeg[2..]].concat();
    vec![
        ("plain.png", encoded(&rgb, ImageFormat::Png)),
        ("alpha.png", encoded(&DynamicImage::ImageRgba8(alpha), ImageFormat::Png)),
        ("deep.png", encoded(&DynamicImage::ImageRgb16(deep), ImageFormat::Png)),
        ("palette.png", palette_png()),
        ("grey.jpg", encoded(&DynamicImage::ImageLuma8(rgb.to_luma8()), ImageFormat::Jpeg)),
        ("colour.jpg", jpeg),
        ("turned.jpg", turned),
        ("plain.webp", encoded(&rgb, ImageFormat::WebP)),
        ("plain.gif", encoded(&rgb, ImageFormat::Gif)),
        ("plain.ppm", encoded(&rgb, ImageFormat::Pnm)),
    ]
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG of colour type 3: two colours, left and right, by their indices.
fn palette_png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let named = [&kind[..], data].concat();
        let mut checksum = flate2::Crc::new();
        checksum.update(&named);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(named);
        file.extend(checksum.sum().to_be_bytes());
    };
    let sides = [WIDTH.to_be_bytes(), HEIGHT.to_be_bytes()].concat();
    chunk(b"IHDR", &[&sides[..], &[8, 3, 0, 0, 0]].concat());
    chunk(b"PLTE", &[200, 10, 20, 5, 60, 250]);
    let row = (0..=WIDTH).map(|at| u8::from(at > WIDTH / 2)).collect::<Vec<_>>();
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    data.write_all(&row.repeat(HEIGHT as usize)).unwrap();
    chunk(b"IDAT", &data.finish().unwrap());
    chunk(b"IEND", &[]);
    file
}
