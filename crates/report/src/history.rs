//! Loss and accuracy over the epochs: what the curves of one run and the comparison of several have in common.

use run::EpochMetrics;

use crate::drawing::*;
use crate::numbers::{accuracy, loss};

/// What a panel shows over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Loss,
    Accuracy,
}

impl Quantity {
    /// Both, in the order in which panels stand.
    pub(crate) const BOTH: [Self; 2] = [Self::Loss, Self::Accuracy];

    /// In training, and in validation where there is any.
    pub(crate) const fn of(self, row: &EpochMetrics) -> [Option<f64>; 2] {
        match self {
            Self::Loss => [Some(row.loss), row.val_loss],
            Self::Accuracy => [Some(row.accuracy), row.val_accuracy],
        }
    }

    /// The value as text.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Loss => loss(value),
            Self::Accuracy => accuracy(value),
        }
    }

    /// The value as text, `none` where it was not measured.
    pub(crate) fn known(self, value: Option<f64>) -> String {
        value.map_or("none".to_owned(), |value| self.write(value))
    }

    /// The values of the last epoch in words.
    pub(crate) fn at_the_end(self, metrics: &[EpochMetrics]) -> String {
        let last = metrics.last().map_or([None; 2], |row| self.of(row));
        let [training, validation] = last.map(|value| self.known(value));
        format!("at the end {training} in training, {validation} in validation")
    }
}

/// A horizontal axis that holds all epochs: the values at its edges, and its ticks.
pub(crate) fn epoch_axis<'a>(
    metrics: impl Iterator<Item = &'a EpochMetrics>,
) -> ((f64, f64), Vec<Tick>) {
    let (first, last) = range(metrics.map(|row| row.epoch as f64)).unwrap_or((0.0, 1.0));
    let pad = (0.03 * (last - first)).max(0.5);
    let ticks = whole_ticks(first, last, 8).into_iter().map(|e| (e, format!("{e:.0}"))).collect();
    ((first - pad, last + pad), ticks)
}

/// Where the epochs' values lie on the axes; `None` where `height` gives no value that can be drawn.
pub(crate) fn points(
    axes: &Axes,
    metrics: &[EpochMetrics],
    height: impl Fn(&EpochMetrics) -> Option<f64>,
) -> Vec<Option<Point>> {
    metrics.iter().map(|row| Some(axes.place((row.epoch as f64, height(row)?)))).collect()
}

/// The points in unbroken pieces: a line has a gap where a value is missing rather than a bridge that nobody measured.
pub(crate) fn pieces(points: &[Option<Point>]) -> impl Iterator<Item = Vec<Point>> {
    let pieces = points.split(Option::is_none).filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.iter().flatten().copied().collect())
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
