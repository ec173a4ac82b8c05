//! Loss and accuracy over the epochs.

use run::{EpochMetrics, lowest};

use crate::drawing::axes::{Axes, BELOW, Tick, room_for};
use crate::drawing::canvas::Point;
use crate::drawing::lines::{Line, draw_line, draw_markers, epoch_axis};
use crate::drawing::palette::{BLUE, Colour, INK, MUTED, VERMILLION};
use crate::drawing::text::{BOLD_TEXT, Style, TEXT};
use crate::drawing::ticks::{decimals, ticks};
use crate::drawing::{Canvas, Panel, Plot, markers};
use crate::html::table;
use crate::inputs::Inputs;
use crate::numbers::{accuracy, loss, percent, plural};
use crate::quantity::Quantity;

/// Width and height of one panel, and where the data begin below title, legend and the best epoch's label.
const SIZE: (i32, i32) = (940, 690);
const TOP: i32 = 150;

/// Em of the text. Larger than elsewhere, since phones show these panels whole.
const EM: i32 = 27;
const LABEL: Style = Style { size: EM, ..BOLD_TEXT };
const LEGEND: Style = Style { size: EM, ..TEXT.level() };

/// A value beyond this would flatten all others, and is left out like an infinite one.
const LARGEST_VALUE: f64 = 1e6;

/// The smallest height of an accuracy axis: noise below half a percent should not look like an event.
const SMALLEST_SPAN: f64 = 0.005;

/// The most markers on a line.
const MOST_MARKERS: usize = 30;

const LINES: [(&str, Colour); 2] = [("training", BLUE), ("validation", VERMILLION)];

pub(super) fn plot(inputs: &Inputs) -> Plot {
    Plot {
        name: "curves",
        title: "Training curves".to_owned(),
        note: note(inputs),
        panels: Quantity::BOTH.map(|quantity| panel(inputs, quantity)).into(),
        table: values(inputs),
        ..Plot::default()
    }
}

fn panel(inputs: &Inputs, quantity: Quantity) -> Panel {
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    canvas.text(title(quantity), (0, 0), Style { size: 30, ..BOLD_TEXT });
    draw_legend(&mut canvas, inputs);
    let rows = value_ticks(inputs.metrics, quantity);
    let (x, columns) = epoch_axis(inputs.metrics.iter());
    let axes = Axes {
        left: room_for(&rows, EM),
        top: TOP,
        right: SIZE.0 - 30,
        bottom: SIZE.1 - BELOW,
        x,
        y: (rows[0].0, rows[rows.len() - 1].0),
        size: EM,
    };
    axes.draw_rows(&mut canvas, &rows);
    axes.draw_columns(&mut canvas, &columns, "epoch");
    if let Some((best, _)) = lowest(inputs.metrics) {
        draw_best(&mut canvas, &axes, best, quantity);
    }
    for (line, (_, colour)) in lines(inputs).iter().copied().enumerate() {
        let place = |row: &EpochMetrics| -> Option<Point> {
            let value = quantity.of(row)[line].filter(|&value| drawable(value))?;
            Some(axes.place((row.epoch as f64, value)))
        };
        let points: Vec<_> = inputs.metrics.iter().map(place).collect();
        draw_line(&mut canvas, &points, Line { colour, width: 4, dashed: false });
        draw_markers(&mut canvas, &points, (line, colour), MOST_MARKERS);
    }
    Panel { alt: alt(inputs, quantity), canvas }
}

fn title(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Loss => "Loss in nats",
        Quantity::Accuracy => "Accuracy",
    }
}

/// The legend, above the data so that it covers no line.
fn draw_legend(canvas: &mut Canvas, inputs: &Inputs) {
    let (mut x, y) = (0, 64);
    for (line, (label, colour)) in lines(inputs).iter().copied().enumerate() {
        canvas.line(&[(x, y), (x + 48, y)], 4, colour);
        markers::draw(canvas, line, colour, (x + 24, y));
        canvas.text(label, (x + 62, y), LEGEND);
        x += 62 + LEGEND.width(label) + 40;
    }
    if lowest(inputs.metrics).is_some() {
        canvas.dashed_line(&[(x + 10, y - 16), (x + 10, y + 16)], 2, MUTED);
        canvas.text("lowest validation loss", (x + 30, y), LEGEND);
    }
}

/// A vertical line at the epoch with the lowest validation loss, and its value above.
fn draw_best(canvas: &mut Canvas, axes: &Axes, best: &EpochMetrics, quantity: Quantity) {
    let (x, _) = axes.place((best.epoch as f64, axes.y.0));
    canvas.dashed_line(&[(x, axes.bottom), (x, axes.top)], 2, MUTED);
    let value = quantity.of(best)[1].unwrap_or(f64::NAN);
    let label = format!("epoch {}: {}", best.epoch, quantity.write(value));
    let half = LABEL.width(&label) / 2;
    let x = x.clamp(axes.left + half, (axes.right - half).max(axes.left + half));
    canvas.text(&label, (x, axes.top - EM - 14), Style { colour: INK, ..LABEL.centred() });
}

/// The lines of a panel: training, and validation where anything is held out for it.
fn lines(inputs: &Inputs) -> &'static [(&'static str, Colour)] {
    if inputs.validates() { &LINES } else { &LINES[..1] }
}

/// Losses from 0, accuracies from a little below the lowest; at least two ticks.
fn value_ticks(metrics: &[EpochMetrics], quantity: Quantity) -> Vec<Tick> {
    let values = metrics.iter().flat_map(|row| quantity.of(row)).flatten();
    let (low, high) = values
        .filter(|&value| drawable(value))
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let ticks = match quantity {
        _ if low > high => ticks(0.0, 1.0, 5),
        Quantity::Loss => ticks(low.min(0.0), if high > 1e-9 { 1.02 * high } else { 1.0 }, 6),
        Quantity::Accuracy => {
            let room = (0.05 * (high - low)).max(SMALLEST_SPAN / 2.0);
            // Nothing lies above 100 %, so the axis ends there, unless a value does.
            ticks((low - room).max(low.min(0.0)), (high + room).min(high.max(1.0)), 6)
        }
    };
    let step = ticks[1] - ticks[0];
    let write = |value: f64| match quantity {
        Quantity::Loss if step < 1e-4 && value != 0.0 => format!("{value:.0e}"),
        Quantity::Loss => format!("{value:.*}", decimals(step)),
        Quantity::Accuracy => percent(value, decimals(100.0 * step)),
    };
    ticks.into_iter().map(|value| (value, write(value))).collect()
}

fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST_VALUE
}

/// How training was measured, and what is left out.
fn note(inputs: &Inputs) -> String {
    let config = inputs.config;
    let dropout = config.network.conv_dropout > 0.0 || config.network.dense_dropout > 0.0;
    let on = match (dropout, !config.augmentation.is_none()) {
        (true, true) => "with dropout and augmentation on ",
        (true, false) => "with dropout on ",
        (false, true) => "with augmentation on ",
        (false, false) => "",
    };
    let smoothed = match config.training.label_smoothing > 0.0 {
        true => ", its loss against smoothed targets",
        false => "",
    };
    let mut note = format!("Training is measured {on}while the weights still change{smoothed}");
    note += match (inputs.validates(), config.optimizer.average_decay > 0.0) {
        (false, _) => ". Nothing was held out for validation.",
        (true, true) => {
            ", and validation on the moving average of the weights, so validation can look better."
        }
        (true, false) => ", so validation can look better.",
    };
    let left_out = |row: &&EpochMetrics| {
        let values = Quantity::BOTH.map(|quantity| quantity.of(row));
        values.into_iter().flatten().flatten().any(|value| !drawable(value))
    };
    let epochs: Vec<_> =
        inputs.metrics.iter().filter(left_out).map(|row| row.epoch.to_string()).collect();
    if !epochs.is_empty() {
        let shown = epochs[..epochs.len().min(8)].join(", ");
        let more = if epochs.len() > 8 { " and others" } else { "" };
        let noun = if epochs.len() == 1 { "epoch" } else { "epochs" };
        note += &format!(
            " Left out: values of {noun} {shown}{more} that are not finite or too large to draw."
        );
    }
    note
}

fn alt(inputs: &Inputs, quantity: Quantity) -> String {
    let write = |value: Option<f64>| value.map_or_else(String::new, |value| quantity.write(value));
    let last = inputs.metrics.last().map_or([None; 2], |row| quantity.of(row));
    let [training, validation] = last.map(write);
    let validation = match inputs.validates() {
        true => format!(" and {validation} in validation"),
        false => ", nothing held out for validation".to_owned(),
    };
    let best = lowest(inputs.metrics).map_or_else(String::new, |(row, _)| {
        format!(" The validation loss is lowest in epoch {}.", row.epoch)
    });
    format!(
        "{} over {}: at the end {training} in training{validation}.{best}",
        title(quantity),
        plural(inputs.metrics.len(), "epoch", "epochs")
    )
}

fn values(inputs: &Inputs) -> String {
    let optional = |value: Option<f64>, write: fn(f64) -> String| {
        value.map_or_else(|| "none".to_owned(), write)
    };
    let row = |row: &EpochMetrics| {
        vec![
            row.epoch.to_string(),
            loss(row.loss),
            optional(row.val_loss, loss),
            accuracy(row.accuracy),
            optional(row.val_accuracy, accuracy),
        ]
    };
    let rows: Vec<_> = inputs.metrics.iter().map(row).collect();
    let columns = ["Epoch", "Loss", "Validation loss", "Accuracy", "Validation accuracy"];
    format!(
        "<details><summary>The values behind the curves</summary>\n{}</details>",
        table("", &columns, &rows)
    )
}
