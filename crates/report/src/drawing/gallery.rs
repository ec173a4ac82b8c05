//! Images of the data set in a plot, and rows of them above their labels.

use image::{Rgb, RgbImage};
use images::ImageShape;
use run::HeldOut;

use super::canvas::{Canvas, Point};
use super::palette::{GRID, PAPER, VERMILLION};
use super::text::Style;
use crate::inputs::Inputs;

/// The largest side of a drawn image, in units: 7 for each pixel of a digit.
const LARGEST_SIDE: usize = 196;
/// The most images of a gallery.
pub(crate) const MOST_IMAGES: usize = 25;
/// Room for a label, in units.
pub(crate) const LABEL_ROOM: i32 = PITCH - 16;
/// From an image down to its labels, from one line of these to the next, and below the last.
pub(crate) const ABOVE_LABELS: i32 = 18;
pub(crate) const LINE: i32 = 36;
pub(crate) const BELOW_LABELS: i32 = 26;

/// Images in a row, and the width of a tile.
pub(crate) const COLUMNS: usize = 5;
const PITCH: i32 = 250;

/// One image of a gallery.
pub(crate) struct Tile {
    /// Which images it is among, and its index there.
    pub(crate) image: (HeldOut, usize),
    /// The lines below the image.
    pub(crate) labels: Vec<(String, Style)>,
    /// Whether a frame and a cross mark the image as a mistake.
    pub(crate) marked: bool,
}

/// Units for each pixel of a drawn image; 1 for images that are drawn smaller than that.
pub(crate) fn zoom(shape: ImageShape) -> usize {
    (LARGEST_SIDE / shape.height.max(shape.width).max(1)).max(1)
}

/// Width and height at which an image is drawn: by a whole factor larger, or as small as it must be.
pub(crate) fn drawn_size(shape: ImageShape) -> Point {
    let longest = shape.height.max(shape.width);
    let side = |pixels: usize| match longest {
        1..=LARGEST_SIDE => (pixels * zoom(shape)) as i32,
        _ => (pixels * LARGEST_SIDE / longest.max(1)).max(1) as i32,
    };
    (side(shape.width), side(shape.height))
}

/// Draws one test image as large as [`drawn_size`] says.
pub(crate) fn draw_image(canvas: &mut Canvas, inputs: &Inputs, index: usize, at: Point) {
    let shape = inputs.facts.shape;
    draw_levels(canvas, shape, inputs.image(index), (at, drawn_size(shape)));
}

/// Draws an image, `[channels, height, width]`: three channels as red, green and blue, of any other number the first as grey
/// levels.
pub(crate) fn draw_levels(
    canvas: &mut Canvas,
    shape: ImageShape,
    values: &[u8],
    (at, size): (Point, Point),
) {
    let area = shape.height * shape.width;
    let channels = if shape.channels == 3 { [0, area, 2 * area] } else { [0; 3] };
    let image = RgbImage::from_fn(shape.width as u32, shape.height as u32, |x, y| {
        let pixel = y as usize * shape.width + x as usize;
        Rgb(channels.map(|channel| values[channel + pixel]))
    });
    canvas.bitmap(&image, at, size);
}

/// Draws each image above its labels; all drawings have one size.
pub(crate) fn draw(inputs: &Inputs, tiles: &[Tile]) -> Vec<Canvas> {
    let (width, height) = drawn_size(inputs.facts.shape);
    let lines = tiles.iter().map(|tile| tile.labels.len()).max().unwrap_or(0) as i32;
    let row_height = height + 30 + ABOVE_LABELS + lines * LINE + BELOW_LABELS;
    let draw = |tile: &Tile| {
        let mut canvas = Canvas::new(PITCH, row_height);
        let (x, y) = ((PITCH - width) / 2, 30);
        let (thickness, frame) = if tile.marked { (8, VERMILLION) } else { (2, GRID) };
        canvas.framed((x, y), (width, height), thickness, frame);
        let (part, index) = tile.image;
        let shape = inputs.facts.shape;
        draw_levels(&mut canvas, shape, inputs.image_of(part, index), ((x, y), (width, height)));
        if tile.marked {
            draw_cross(&mut canvas, (x + width, y));
        }
        for (line, (label, style)) in (0..).zip(&tile.labels) {
            let below = y + height + ABOVE_LABELS + line * LINE;
            canvas.text(label, (PITCH / 2, below), style.centred());
        }
        let labels: Vec<_> = tile.labels.iter().map(|(label, _)| label.as_str()).collect();
        let mistake = if tile.marked { ", a mistake" } else { "" };
        let part = match part {
            HeldOut::Validation => "Validation",
            HeldOut::Test => "Test",
        };
        canvas.described(format!("{part} image {index}: {}{mistake}", labels.join(", ")))
    };
    tiles.iter().map(draw).collect()
}

/// A cross on a disc: the sign of a mistake for readers to whom its colour says nothing.
fn draw_cross(canvas: &mut Canvas, (x, y): Point) {
    canvas.circle((x, y), 26, PAPER);
    canvas.circle((x, y), 22, VERMILLION);
    canvas.line(&[(x - 9, y - 9), (x + 9, y + 9)], 6, PAPER);
    canvas.line(&[(x - 9, y + 9), (x + 9, y - 9)], 6, PAPER);
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
