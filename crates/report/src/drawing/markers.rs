//! Markers on lines, which tell lines apart where their colours do not.

use super::canvas::{Canvas, Point};
use super::palette::{BLUE, Colour, GREEN, INK, MUTED, PAPER, PURPLE, VERMILLION};

/// How many shapes there are: disc, square, triangle and diamond, the same hollow, the two crosses, and a triangle on
/// its tip, filled and hollow.
pub(crate) const SHAPES: usize = 12;

/// Colours of lines, in the order in which they are given out.
const COLOURS: [Colour; 6] = [BLUE, VERMILLION, GREEN, PURPLE, INK, MUTED];

/// The colour of the line at this position. After six they repeat, with other shapes.
pub(crate) fn colour(position: usize) -> Colour {
    COLOURS[position % COLOURS.len()]
}

/// Draws the shape of the line at this position.
pub(crate) fn draw(canvas: &mut Canvas, position: usize, colour: Colour, (x, y): Point) {
    let square = |canvas: &mut Canvas, half: i32, colour| {
        canvas.rect((x - half, y - half), (2 * half, 2 * half), colour);
    };
    let polygon = |canvas: &mut Canvas, corners: &[Point], colour| {
        let corners: Vec<_> = corners.iter().map(|&(dx, dy)| (x + dx, y + dy)).collect();
        canvas.polygon(&corners, colour);
    };
    let (outer, inner): (&[_], &[_]) = match position % SHAPES {
        0 => return canvas.circle((x, y), 8, colour),
        1 => return square(canvas, 7, colour),
        4 => {
            canvas.circle((x, y), 9, colour);
            return canvas.circle((x, y), 5, PAPER);
        }
        5 => {
            square(canvas, 9, colour);
            return square(canvas, 5, PAPER);
        }
        shape @ (8 | 9) => {
            let ends = if shape == 8 { [(7, 7), (7, -7)] } else { [(9, 0), (0, 9)] };
            for (dx, dy) in ends {
                canvas.line(&[(x - dx, y - dy), (x + dx, y + dy)], 5, colour);
            }
            return;
        }
        2 => (&[(0, -11), (11, 8), (-11, 8)], &[]),
        3 => (&[(0, -11), (11, 0), (0, 11), (-11, 0)], &[]),
        6 => (&[(0, -12), (12, 9), (-12, 9)], &[(0, -4), (5, 5), (-5, 5)]),
        7 => (&[(0, -12), (12, 0), (0, 12), (-12, 0)], &[(0, -6), (6, 0), (0, 6), (-6, 0)]),
        10 => (&[(0, 11), (11, -8), (-11, -8)], &[]),
        _ => (&[(0, 12), (12, -9), (-12, -9)], &[(0, 4), (5, -5), (-5, -5)]),
    };
    polygon(canvas, outer, colour);
    if !inner.is_empty() {
        polygon(canvas, inner, PAPER);
    }
}
