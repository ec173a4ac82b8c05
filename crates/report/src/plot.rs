//! The frame of a plot: where values lie, and the lines and numbers around them.
//!
//! Plotters' own charts put numbers at half epochs and cannot be told better; a straight line is no
//! loss. An axis that is not straight is one of logarithms, whose ticks carry the values.

use plotters::element::PathElement;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;

use crate::palette::{GRID, MUTED};
use crate::render::{Area, Drawn};
use crate::text::{Weight, style};

/// Room that an axis' numbers and its name need below a plot, in ems of 27.
pub(crate) const BELOW: i32 = 106;

/// A position on an axis, and what is written there.
pub(crate) type Tick = (f64, String);

/// Where a plot lies, in units, and which values its edges stand for.
pub(crate) struct Plot {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) right: i32,
    pub(crate) bottom: i32,
    /// Values at the left and at the right edge, which differ.
    pub(crate) x: (f64, f64),
    /// Values at the lower and at the upper edge, which differ.
    pub(crate) y: (f64, f64),
    /// Em of the numbers.
    pub(crate) em: i32,
}

impl Plot {
    /// Where a point lies. Both values are finite.
    pub(crate) fn place(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let x = (x - self.x.0) / (self.x.1 - self.x.0);
        let y = (y - self.y.0) / (self.y.1 - self.y.0);
        (
            self.left + (x * f64::from(self.right - self.left)).round() as i32,
            self.bottom - (y * f64::from(self.bottom - self.top)).round() as i32,
        )
    }

    /// Lines across the plot with their numbers on its left; the lowest is the axis.
    pub(crate) fn draw_rows<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        ticks: &[Tick],
    ) -> Drawn<DB> {
        let number = style(self.em, Weight::Regular, MUTED, HPos::Right, VPos::Center);
        for (value, label) in ticks {
            let (_, y) = self.place((self.x.0, *value));
            let colour = if y == self.bottom { MUTED } else { GRID };
            let ends = vec![(self.left, y), (self.right, y)];
            area.draw(&PathElement::new(ends, colour.stroke_width(2)))?;
            area.draw_text(label, &number, (self.left - 14, y))?;
        }
        Ok(())
    }

    /// Numbers below the plot, and the name of what they count.
    pub(crate) fn draw_columns<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        ticks: &[Tick],
        name: &str,
    ) -> Drawn<DB> {
        let below = style(self.em, Weight::Regular, MUTED, HPos::Center, VPos::Top);
        for (value, label) in ticks {
            let (x, _) = self.place((*value, self.y.0));
            let ends = vec![(x, self.bottom), (x, self.bottom + 8)];
            area.draw(&PathElement::new(ends, MUTED.stroke_width(2)))?;
            area.draw_text(label, &below, (x, self.bottom + 16))?;
        }
        let at = (self.left.midpoint(self.right), self.bottom + 16 + self.em + 14);
        area.draw_text(name, &below, at)
    }

    /// Lines from the top of the plot to the bottom.
    pub(crate) fn draw_uprights<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        ticks: &[Tick],
    ) -> Drawn<DB> {
        for (value, _) in ticks {
            let (x, _) = self.place((*value, self.y.0));
            let ends = vec![(x, self.top), (x, self.bottom)];
            area.draw(&PathElement::new(ends, GRID.stroke_width(2)))?;
        }
        Ok(())
    }
}
