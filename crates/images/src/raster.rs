//! A decoded image: its grey levels, or its channels.

use image::{DynamicImage, GrayImage};

use crate::error::{Error, Result};

/// Mean grey levels from this one on count as bright.
const BRIGHT: u64 = 128;
/// The smallest difference of two channels that is a colour, in levels: JPEG and warm light change white paper by less.
const DIFFERENCE: u8 = 48;
/// The smallest fraction of an image's pixels that make it coloured: one in so many.
const ONE_IN: usize = 200;

/// A decoded image in its own colours; not yet the network's input.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    decoded: DynamicImage,
    lossy: bool,
}

/// An image in grey levels.
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

impl Image {
    pub(crate) fn new(decoded: DynamicImage, lossy: bool) -> Self {
        Self { decoded, lossy }
    }

    /// An image of grey levels.
    ///
    /// # Errors
    /// [`Error::Buffer`] if there is no pixel, or the buffer does not fit width and height.
    pub fn from_grey(grey: Grey) -> Result<Self> {
        let Grey { width, height, pixels, lossy } = grey;
        let length = pixels.len();
        let wrong = Error::Buffer { length, width, height };
        if length == 0 || width.checked_mul(height) != Some(length) {
            return Err(wrong);
        }
        let (Ok(width), Ok(height)) = (width.try_into(), height.try_into()) else {
            return Err(wrong);
        };
        let image = GrayImage::from_raw(width, height, pixels).ok_or(wrong)?;
        Ok(Self::new(DynamicImage::ImageLuma8(image), lossy))
    }

    /// Width, in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.decoded.width() as usize
    }

    /// Height, in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.decoded.height() as usize
    }

    /// Grey levels for a drawing on paper. Colours become their luma (Rec. 709). A transparent image is composited over
    /// the background that its opaque pixels suggest: one that contrasts with a drawing, or that continues a scan.
    #[must_use]
    pub fn to_grey(&self) -> Grey {
        let pixels = match self.decoded.color().has_alpha() {
            true => on_paper(&self.decoded.to_luma_alpha8()),
            false => self.decoded.to_luma8().into_raw(),
        };
        Grey { width: self.width(), height: self.height(), pixels, lossy: self.lossy }
    }

    /// The image as one plane of grey levels (luma of Rec. 709), or as three of red, green and blue; each row by row. A
    /// transparent image is composited over white.
    pub(crate) fn planes(&self, channels: usize) -> Vec<Vec<u8>> {
        let has_alpha = self.decoded.color().has_alpha();
        let opaque = match has_alpha {
            true => &DynamicImage::ImageRgb8(on_white(&self.decoded.to_rgba8())),
            false => &self.decoded,
        };
        if channels == 1 {
            return vec![opaque.to_luma8().into_raw()];
        }
        let planes = |pixels: &image::RgbImage| {
            (0..3).map(|channel| pixels.pixels().map(|pixel| pixel.0[channel]).collect()).collect()
        };
        match opaque {
            // As it is: images may be large.
            DynamicImage::ImageRgb8(pixels) => planes(pixels),
            DynamicImage::ImageLuma8(pixels) => vec![pixels.as_raw().clone(); 3],
            other => planes(&other.to_rgb8()),
        }
    }

    /// What the file stores: `grey` or `colour`, and whether pixels may be transparent.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        let color = self.decoded.color();
        match (color.has_color(), color.has_alpha()) {
            (false, false) => "grey",
            (false, true) => "grey with transparency",
            (true, false) => "colour",
            (true, true) => "colour with transparency",
        }
    }

    /// Whether it has colours: red ink, say, but not yellowed paper.
    #[must_use]
    pub fn has_colour(&self) -> bool {
        if !self.decoded.color().has_color() {
            return false;
        }
        let pixels = self.decoded.to_rgba8();
        let coloured = pixels.pixels().filter(|&&image::Rgba([r, g, b, a])| {
            a >= 128 && r.max(g).max(b) - r.min(g).min(b) >= DIFFERENCE
        });
        coloured.count() * ONE_IN >= pixels.pixels().len().max(1)
    }
}

fn on_white(image: &image::RgbaImage) -> image::RgbImage {
    let over = |level: u8, alpha: u8| {
        let (level, alpha) = (u32::from(level), u32::from(alpha));
        ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    image::RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let image::Rgba([r, g, b, a]) = *image.get_pixel(x, y);
        image::Rgb([r, g, b].map(|level| over(level, a)))
    })
}

/// Composites a transparent image over a background, black or white.
///
/// A drawing on a transparent canvas consists of strokes alone, dark or bright, so its background contrasts with the
/// opaque pixels. An image that is more than half opaque includes the paper (a scan with transparent corners, say), so
/// its background continues the opaque pixels.
fn on_paper(image: &image::GrayAlphaImage) -> Vec<u8> {
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
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn coloured(pixel: fn(u32, u32) -> [u8; 3]) -> bool {
        let image = RgbImage::from_fn(40, 40, |x, y| Rgb(pixel(x, y)));
        Image::new(DynamicImage::ImageRgb8(image), false).has_colour()
    }

    #[test]
    fn ink_has_colour_and_paper_has_none() {
        assert!(coloured(|x, _| if x < 3 { [200, 20, 20] } else { [255; 3] }));
        assert!(!coloured(|x, y| [(x * y) as u8; 3]));
        assert!(!coloured(|_, _| [250, 240, 220]));
    }

    #[test]
    fn channels_are_planes_and_what_is_transparent_is_white() {
        let pixel = |x| if x == 0 { Rgba([10, 20, 30, 255]) } else { Rgba([1, 2, 3, 0]) };
        let image = RgbaImage::from_fn(2, 1, |x, _| pixel(x));
        let image = Image::new(DynamicImage::ImageRgba8(image), false);
        assert_eq!(image.planes(3), [[10, 255], [20, 255], [30, 255]]);
        assert_eq!(image.planes(1), [[19, 255]]);
    }
}
