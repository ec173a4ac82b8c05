//! Images of the data set in rows of five, each above its labels.

use super::canvas::{Canvas, Point};
use super::images::{draw_image, drawn_size};
use super::palette::{GRID, PAPER, VERMILLION};
use super::text::Style;
use crate::inputs::Inputs;

/// The most images of a gallery.
pub(crate) const MOST_IMAGES: usize = 25;
/// Room for a label, in units.
pub(crate) const LABEL_ROOM: i32 = PITCH - 16;
/// Distance of two lines of text below an image.
pub(crate) const LINE: i32 = 36;

/// Images in a row, and the distance from one to the next.
const COLUMNS: usize = 5;
const PITCH: i32 = 250;

/// One image of a gallery.
pub(crate) struct Tile {
    /// Index in the test set.
    pub(crate) index: usize,
    /// The lines below the image.
    pub(crate) labels: Vec<(String, Style)>,
    /// Whether a frame and a cross mark the image as a mistake.
    pub(crate) marked: bool,
}

/// Draws the images in rows.
pub(crate) fn draw(inputs: &Inputs, tiles: &[Tile]) -> Canvas {
    let shape = inputs.facts.shape;
    let (width, height) = drawn_size(shape);
    let lines = tiles.iter().map(|tile| tile.labels.len()).max().unwrap_or(0);
    let row_height = height + 18 + lines as i32 * LINE + 26;
    let rows = tiles.len().div_ceil(COLUMNS) as i32;
    let mut canvas = Canvas::new(COLUMNS as i32 * PITCH, 20 + rows * row_height);
    for (position, tile) in tiles.iter().enumerate() {
        let (row, column) = ((position / COLUMNS) as i32, (position % COLUMNS) as i32);
        let middle = column * PITCH + PITCH / 2;
        let (x, y) = (middle - width / 2, 30 + row * row_height);
        let (thickness, colour) = if tile.marked { (8, VERMILLION) } else { (2, GRID) };
        canvas.framed((x, y), (width, height), thickness, colour);
        draw_image(&mut canvas, (x, y), shape, inputs.image(tile.index));
        if tile.marked {
            draw_cross(&mut canvas, (x + width, y));
        }
        for (line, (label, style)) in (0..).zip(&tile.labels) {
            canvas.text(label, (middle, y + height + 18 + line * LINE), style.centred());
        }
    }
    canvas
}

/// A cross on a disc: the sign of a mistake for readers to whom its colour says nothing.
fn draw_cross(canvas: &mut Canvas, (x, y): Point) {
    canvas.circle((x, y), 26, PAPER);
    canvas.circle((x, y), 22, VERMILLION);
    canvas.line(&[(x - 9, y - 9), (x + 9, y + 9)], 6, PAPER);
    canvas.line(&[(x - 9, y + 9), (x + 9, y - 9)], 6, PAPER);
}
