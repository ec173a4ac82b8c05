//! The learning rate over the epochs.

use run::EpochMetrics;

use crate::drawing::*;
use crate::history::{draw_markers, epoch_axis, pieces, points};
use crate::inputs::Inputs;

/// Width and height, and where the data begin.
const SIZE: (i32, i32) = (940, 420);
const TOP: i32 = 30;

/// Em of the text, as in the training curves.
const EM: i32 = 27;

/// The most markers on the line.
const MOST_MARKERS: usize = 30;

pub(super) fn plot(inputs: &Inputs) -> Plot {
    let [first, highest, last] = rates(inputs.metrics);
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    let rows: Vec<Tick> = ticks(0.0, if highest > 0.0 { 1.02 * highest } else { 1.0 }, 5)
        .into_iter()
        .map(|rate| (rate, if rate == 0.0 { "0".to_owned() } else { format!("{rate:.1e}") }))
        .collect();
    let (x, columns) = epoch_axis(inputs.metrics.iter());
    let (left, right, bottom) = (room_for(&rows, EM), SIZE.0 - 30, SIZE.1 - BELOW);
    let y = (rows[0].0, rows[rows.len() - 1].0);
    let axes = Axes { left, top: TOP, right, bottom, x, y, size: EM };
    axes.draw(&mut canvas, &rows, &columns, "epoch");
    let points = points(&axes, inputs.metrics, rate);
    for piece in pieces(&points) {
        canvas.line(&piece, 4, BLUE);
    }
    draw_markers(&mut canvas, &points, (0, BLUE), MOST_MARKERS);
    let alt = format!(
        "Learning rate over {} epochs: {first:.2e} at first, {highest:.2e} at its highest, {last:.2e} at the end",
        inputs.metrics.len()
    );
    Plot {
        name: "learning_rate",
        title: "Learning rate".to_owned(),
        note: "The learning rate of each epoch's last step.".to_owned(),
        panels: vec![canvas.described(alt)],
        ..Plot::default()
    }
}

/// The rate of an epoch's last step, where it can be drawn.
fn rate(row: &EpochMetrics) -> Option<f64> {
    Some(row.learning_rate).filter(|rate| (0.0..=1e6).contains(rate))
}

/// The first, the highest and the last learning rate; 0 where none can be drawn.
fn rates(metrics: &[EpochMetrics]) -> [f64; 3] {
    let rates: Vec<_> = metrics.iter().filter_map(rate).collect();
    let highest = rates.iter().copied().fold(0.0, f64::max);
    [rates.first().copied().unwrap_or(0.0), highest, rates.last().copied().unwrap_or(0.0)]
}
