//! Values over the epochs as lines with markers.

use run::EpochMetrics;

use super::axes::Tick;
use super::canvas::{Canvas, Point};
use super::markers;
use super::palette::Colour;
use super::ticks::whole_ticks;

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) colour: Colour,
    pub(crate) width: i32,
    pub(crate) dashed: bool,
}

/// Draws a line through the points, with a gap where one is missing rather than a bridge that nobody measured.
pub(crate) fn draw_line(canvas: &mut Canvas, points: &[Option<Point>], line: Line) {
    for piece in points.split(Option::is_none).filter(|piece| !piece.is_empty()) {
        let piece: Vec<_> = piece.iter().flatten().copied().collect();
        match line.dashed {
            true => canvas.dashed_line(&piece, line.width, line.colour),
            false => canvas.line(&piece, line.width, line.colour),
        }
    }
}

/// Draws markers of the shape at `position` on at most `most` points, evenly spread. Lines of other positions have
/// them on other points where there are many.
pub(crate) fn draw_markers(
    canvas: &mut Canvas,
    points: &[Option<Point>],
    (position, colour): (usize, Colour),
    most: usize,
) {
    let every = points.len().div_ceil(most).max(1);
    for point in points.iter().skip(position % every).step_by(every).flatten() {
        markers::draw(canvas, position, colour, *point);
    }
}

/// A horizontal axis that holds all epochs: the values at its edges, and its ticks.
pub(crate) fn epoch_axis<'a>(
    metrics: impl Iterator<Item = &'a EpochMetrics>,
) -> ((f64, f64), Vec<Tick>) {
    let (first, last) = metrics
        .map(|row| row.epoch as f64)
        .fold((f64::MAX, f64::MIN), |(first, last), e| (first.min(e), last.max(e)));
    let pad = (0.03 * (last - first)).max(0.5);
    let ticks = whole_ticks(first, last, 8).into_iter().map(|e| (e, format!("{e:.0}"))).collect();
    ((first - pad, last + pad), ticks)
}
