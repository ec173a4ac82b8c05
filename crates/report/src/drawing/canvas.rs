//! What a plot is drawn on: a list of shapes, which `svg` and `raster` turn into files.

use super::bitmap::Bitmap;
use super::palette::{Colour, PAPER};
use super::text::Style;

/// A position or a width and height in units, from the upper left corner to the right and down.
pub(crate) type Point = (i32, i32);

/// A drawing of a given size. Lengths are in units: a PNG has one pixel for each, and an SVG shows two of them in one
/// CSS pixel, so that a PNG at the SVG's size looks sharp on a dense screen.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    /// Width in units.
    pub(crate) width: i32,
    /// Height in units.
    pub(crate) height: i32,
    /// What is drawn, the lowest first.
    pub(crate) shapes: Vec<Shape>,
}

/// One shape of a drawing.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// A filled rectangle from its upper left corner.
    Rect { at: Point, size: Point, colour: Colour },
    /// A filled circle.
    Circle { centre: Point, radius: i32, colour: Colour },
    /// A filled polygon.
    Polygon { corners: Vec<Point>, colour: Colour },
    /// A line through all points with round ends and corners.
    Line { points: Vec<Point>, width: i32, dashed: bool, colour: Colour },
    /// One line of text.
    Text { text: String, at: Point, style: Style },
    /// A bitmap, magnified without smoothing: its pixels are the data.
    Image { bitmap: Bitmap, at: Point, size: Point },
    /// Other shapes, moved by an offset.
    Group { shapes: Vec<Shape>, offset: Point },
}

/// Lengths of a dash and of the gap after it.
pub(crate) const DASHES: (i32, i32) = (10, 8);

impl Canvas {
    /// An empty canvas of this size.
    pub(crate) const fn new(width: i32, height: i32) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    pub(crate) fn rect(&mut self, at: Point, size: Point, colour: Colour) {
        self.shapes.push(Shape::Rect { at, size, colour });
    }

    /// A rectangle of paper inside a frame of this thickness.
    pub(crate) fn framed(&mut self, at: Point, size: Point, thickness: i32, colour: Colour) {
        let outer = (at.0 - thickness, at.1 - thickness);
        self.rect(outer, (size.0 + 2 * thickness, size.1 + 2 * thickness), colour);
        self.rect(at, size, PAPER);
    }

    pub(crate) fn circle(&mut self, centre: Point, radius: i32, colour: Colour) {
        self.shapes.push(Shape::Circle { centre, radius, colour });
    }

    pub(crate) fn polygon(&mut self, corners: Vec<Point>, colour: Colour) {
        self.shapes.push(Shape::Polygon { corners, colour });
    }

    pub(crate) fn line(&mut self, points: &[Point], width: i32, colour: Colour) {
        self.shapes.push(Shape::Line { points: points.to_vec(), width, dashed: false, colour });
    }

    pub(crate) fn dashed_line(&mut self, points: &[Point], width: i32, colour: Colour) {
        self.shapes.push(Shape::Line { points: points.to_vec(), width, dashed: true, colour });
    }

    pub(crate) fn text(&mut self, text: &str, at: Point, style: Style) {
        self.shapes.push(Shape::Text { text: text.to_owned(), at, style });
    }

    pub(crate) fn image(&mut self, bitmap: Bitmap, at: Point, size: Point) {
        self.shapes.push(Shape::Image { bitmap, at, size });
    }

    /// Another drawing with its upper left corner at a position.
    pub(crate) fn place(&mut self, other: &Self, offset: Point) {
        self.shapes.push(Shape::Group { shapes: other.shapes.clone(), offset });
    }
}
