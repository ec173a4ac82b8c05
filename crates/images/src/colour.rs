//! Whether an image has colours, which grey levels lose.

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};

/// The smallest difference of two channels that is a colour, in levels: JPEG and warm light change white paper by less.
const DIFFERENCE: u8 = 48;
/// The smallest fraction of an image's pixels that count: one in so many.
const ONE_IN: usize = 200;

/// Whether an image file that [`read`](crate::read) accepts has colours: red ink, say, but not yellowed paper.
///
/// A file that cannot be decoded has none.
#[must_use]
pub fn has_colour(path: &Path) -> bool {
    let decode = || -> Option<DynamicImage> {
        let reader = ImageReader::open(path).ok()?.with_guessed_format().ok()?;
        let decoder = reader.into_decoder().ok()?;
        // Grey images are told by their header.
        let has_color = decoder.color_type().has_color();
        has_color.then(|| DynamicImage::from_decoder(decoder).ok())?
    };
    let Some(image) = decode() else { return false };
    let pixels = image.into_rgba8();
    let coloured = pixels.pixels().filter(|&&image::Rgba([r, g, b, a])| {
        a >= 128 && r.max(g).max(b) - r.min(g).min(b) >= DIFFERENCE
    });
    coloured.count() * ONE_IN >= pixels.pixels().len().max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{Rgb, RgbImage};

    use super::*;

    fn colour_of(pixel: fn(u32, u32) -> [u8; 3]) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        RgbImage::from_fn(40, 40, |x, y| Rgb(pixel(x, y))).save(&path).unwrap();
        has_colour(&path)
    }

    #[test]
    fn ink_has_colour_and_paper_has_none() {
        assert!(colour_of(|x, _| if x < 3 { [200, 20, 20] } else { [255; 3] }));
        assert!(!colour_of(|x, y| [(x * y) as u8; 3]));
        assert!(!colour_of(|_, _| [250, 240, 220]));
        assert!(!has_colour(Path::new("nowhere.png")));
    }
}
