//! Marks on lines, which tell lines apart where their colours do not.

use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;

use crate::palette::{BLUE, GREEN, INK, MUTED, PAPER, PURPLE, VERMILLION};
use crate::render::{Area, Drawn};

/// How many shapes there are: disc, square, triangle and diamond, the same hollow, the two crosses,
/// and a triangle on its tip, filled and hollow.
pub(crate) const SHAPES: usize = 12;

/// Colours of lines, in the order in which they are given out.
const COLOURS: [RGBColor; 6] = [BLUE, VERMILLION, GREEN, PURPLE, INK, MUTED];

/// The colour of the line at this position; after six they come again, with other shapes.
pub(crate) fn colour(position: usize) -> RGBColor {
    COLOURS[position % COLOURS.len()]
}

/// Draws the shape of the line at this position.
pub(crate) fn draw<DB: DrawingBackend>(
    area: &Area<DB>,
    position: usize,
    colour: RGBColor,
    (x, y): (i32, i32),
) -> Drawn<DB> {
    let square = |half: i32, ink: RGBColor| {
        Rectangle::new([(x - half, y - half), (x + half, y + half)], ink.filled())
    };
    let polygon = |corners: &[(i32, i32)], ink: RGBColor| {
        let corners: Vec<_> = corners.iter().map(|&(dx, dy)| (x + dx, y + dy)).collect();
        Polygon::new(corners, ink.filled())
    };
    let stroke = |dx: i32, dy: i32| {
        PathElement::new(vec![(x - dx, y - dy), (x + dx, y + dy)], colour.stroke_width(5))
    };
    let (outer, inner): (&[_], &[_]) = match position % SHAPES {
        0 => return area.draw(&Circle::new((x, y), 8, colour.filled())),
        1 => return area.draw(&square(7, colour)),
        4 => {
            area.draw(&Circle::new((x, y), 9, colour.filled()))?;
            return area.draw(&Circle::new((x, y), 5, PAPER.filled()));
        }
        5 => {
            area.draw(&square(9, colour))?;
            return area.draw(&square(5, PAPER));
        }
        shape @ (8 | 9) => {
            let (first, second) = if shape == 8 { ((7, 7), (7, -7)) } else { ((9, 0), (0, 9)) };
            area.draw(&stroke(first.0, first.1))?;
            return area.draw(&stroke(second.0, second.1));
        }
        2 => (&[(0, -11), (11, 8), (-11, 8)], &[]),
        3 => (&[(0, -11), (11, 0), (0, 11), (-11, 0)], &[]),
        6 => (&[(0, -12), (12, 9), (-12, 9)], &[(0, -4), (5, 5), (-5, 5)]),
        7 => (&[(0, -12), (12, 0), (0, 12), (-12, 0)], &[(0, -6), (6, 0), (0, 6), (-6, 0)]),
        10 => (&[(0, 11), (11, -8), (-11, -8)], &[]),
        _ => (&[(0, 12), (12, -9), (-12, -9)], &[(0, 4), (5, -5), (-5, -5)]),
    };
    area.draw(&polygon(outer, colour))?;
    if inner.is_empty() { Ok(()) } else { area.draw(&polygon(inner, PAPER)) }
}
