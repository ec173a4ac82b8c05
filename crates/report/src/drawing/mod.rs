//! Drawing: plots as values, what they are drawn on, and their common parts. Nothing here knows what a plot is about.

mod axes;
mod canvas;
pub(crate) mod colour_scale;
mod fonts;
pub(crate) mod gallery;
pub(crate) mod markers;
mod outline;
mod palette;
mod plot;
mod text;
mod ticks;

pub(crate) use axes::*;
pub(crate) use canvas::{Canvas, Point};
pub(crate) use fonts::closed;
pub(crate) use palette::*;
pub(crate) use plot::Plot;
pub(crate) use text::*;
pub(crate) use ticks::*;
