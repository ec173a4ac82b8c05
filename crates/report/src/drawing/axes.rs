//! The axes around data: where values lie, and the lines and numbers beside them.

use super::canvas::{Canvas, Point};
use super::palette::{GRID, MUTED};
use super::text::{Align, MUTED_TEXT, Style};

/// Units that an axis' numbers and its name need below the data, at any size up to 27.
pub(crate) const BELOW: i32 = 96;

/// A value on an axis, and what is written there.
pub(crate) type Tick = (f64, String);

/// Where data lie on a canvas, and which values the edges stand for. Both scales are linear; a logarithmic axis is one
/// of logarithms, whose ticks name the values.
pub(crate) struct Axes {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) right: i32,
    pub(crate) bottom: i32,
    /// Values at the left and at the right edge, which differ.
    pub(crate) x: (f64, f64),
    /// Values at the lower and at the upper edge, which differ.
    pub(crate) y: (f64, f64),
    /// Em of the numbers.
    pub(crate) size: i32,
}

/// Units to the left of the data that the numbers of an axis need.
pub(crate) fn room_for(ticks: &[Tick], size: i32) -> i32 {
    let style = Style { size, ..MUTED_TEXT };
    ticks.iter().map(|(_, label)| style.width(label)).max().unwrap_or(0) + 14
}

impl Axes {
    /// Where a point lies. Both values are finite.
    pub(crate) fn place(&self, (x, y): (f64, f64)) -> Point {
        let x = (x - self.x.0) / (self.x.1 - self.x.0);
        let y = (y - self.y.0) / (self.y.1 - self.y.0);
        (
            self.left + (x * f64::from(self.right - self.left)).round() as i32,
            self.bottom - (y * f64::from(self.bottom - self.top)).round() as i32,
        )
    }

    /// Horizontal grid lines with their numbers on the left, of which the lowest is the axis, and the columns.
    pub(crate) fn draw(&self, canvas: &mut Canvas, rows: &[Tick], columns: &[Tick], name: &str) {
        let number = Style { size: self.size, align: Align::End, ..MUTED_TEXT.level() };
        for (value, label) in rows {
            let (_, y) = self.place((self.x.0, *value));
            let colour = if y == self.bottom { MUTED } else { GRID };
            canvas.line(&[(self.left, y), (self.right, y)], 2, colour);
            canvas.text(label, (self.left - 14, y), number);
        }
        self.draw_columns(canvas, columns, name);
    }

    /// Numbers below the data, and the name of what they count.
    pub(crate) fn draw_columns(&self, canvas: &mut Canvas, ticks: &[Tick], name: &str) {
        let number = Style { size: self.size, ..MUTED_TEXT.centred() };
        for (value, label) in ticks {
            let (x, _) = self.place((*value, self.y.0));
            canvas.line(&[(x, self.bottom), (x, self.bottom + 8)], 2, MUTED);
            canvas.text(label, (x, self.bottom + 16), number);
        }
        let middle = self.left.midpoint(self.right);
        canvas.text(name, (middle, self.bottom + 30 + self.size), number);
    }

    /// The nearest place to `x` at which a text of this width stays within the axes.
    pub(crate) fn within(&self, x: i32, width: i32) -> i32 {
        let half = width / 2;
        x.clamp(self.left + half, (self.right - half).max(self.left + half))
    }

    /// Vertical grid lines.
    pub(crate) fn draw_verticals(&self, canvas: &mut Canvas, ticks: &[Tick]) {
        for (value, _) in ticks {
            let (x, _) = self.place((*value, self.y.0));
            canvas.line(&[(x, self.top), (x, self.bottom)], 2, GRID);
        }
    }
}
