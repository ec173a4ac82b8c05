//! Pixels, and their PNG file.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageResult};

/// Pixels row by row.
#[derive(Clone, Debug)]
pub(crate) struct Bitmap {
    /// Columns.
    pub(crate) width: usize,
    /// Red, green and blue of every pixel.
    pub(crate) rgb: Vec<[u8; 3]>,
}

impl Bitmap {
    /// Rows.
    pub(crate) const fn height(&self) -> usize {
        self.rgb.len() / self.width
    }

    /// The bitmap as a PNG file, 8-bit RGB.
    ///
    /// # Errors
    /// The encoder's, where a side is 0 or too large for the format.
    pub(crate) fn png(&self) -> ImageResult<Vec<u8>> {
        let mut file = Vec::new();
        let (width, height) = (self.width as u32, self.height() as u32);
        PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive)
            .write_image(self.rgb.as_flattened(), width, height, ExtendedColorType::Rgb8)?;
        Ok(file)
    }
}
