//! Images of the data set inside a plot.

use images::ImageShape;

use super::bitmap::Bitmap;
use super::canvas::{Canvas, Point};

/// The largest side of a drawn image, in units: 7 for each pixel of a digit.
const LARGEST_SIDE: usize = 196;

/// Units for each pixel of a drawn image; 1 for images that are drawn smaller than that.
pub(crate) fn zoom(shape: ImageShape) -> usize {
    (LARGEST_SIDE / shape.height.max(shape.width).max(1)).max(1)
}

/// Width and height at which an image is drawn: by a whole factor larger, or as small as it must be.
pub(crate) fn drawn_size(shape: ImageShape) -> (i32, i32) {
    let longest = shape.height.max(shape.width);
    let side = |pixels: usize| match longest {
        1..=LARGEST_SIDE => (pixels * zoom(shape)) as i32,
        _ => (pixels * LARGEST_SIDE / longest.max(1)).max(1) as i32,
    };
    (side(shape.width), side(shape.height))
}

/// Draws one image of the data set, `[channels, height, width]` values: three channels as red, green and blue, of any
/// other number the first as grey levels.
pub(crate) fn draw_image(canvas: &mut Canvas, at: Point, shape: ImageShape, values: &[u8]) {
    let area = shape.height * shape.width;
    let channels = if shape.channels == 3 { [0, area, 2 * area] } else { [0; 3] };
    let rgb = (0..area).map(|pixel| channels.map(|channel| values[channel + pixel])).collect();
    canvas.image(Bitmap { width: shape.width, rgb }, at, drawn_size(shape));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_drawn_large_but_never_above_the_limit() {
        let drawn = |height, width| drawn_size(ImageShape { channels: 1, height, width });
        assert_eq!(drawn_size(ImageShape::DIGIT), (196, 196));
        assert_eq!(drawn(32, 32), (192, 192));
        assert_eq!(drawn(20, 50), (150, 60));
        assert_eq!(drawn(224, 448), (196, 98));
        assert_eq!(drawn(1, 1), (196, 196));
    }
}
