//! Drawing: plots as values, what they are drawn on, and their common parts. Nothing here knows what a plot is about.

pub(crate) mod axes;
pub(crate) mod bitmap;
pub(crate) mod canvas;
pub(crate) mod colour_scale;
pub(crate) mod gallery;
pub(crate) mod images;
pub(crate) mod lines;
pub(crate) mod markers;
pub(crate) mod palette;
mod plot;
mod raster;
mod svg;
pub(crate) mod text;
pub(crate) mod ticks;
pub(crate) mod time_ticks;

pub(crate) use canvas::Canvas;
pub(crate) use plot::{Panel, Plot};
