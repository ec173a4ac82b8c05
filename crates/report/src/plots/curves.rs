//! Loss and accuracy over the epochs.

use run::{ClassWeights, Config, EpochMetrics, lowest};

use crate::drawing::*;
use crate::history::{Quantity, draw_markers, epoch_axis, pieces, points};
use crate::html::table;
use crate::numbers::{percent, plural};

/// Width and height of one panel, and where the data begin below title, legend and the best epoch's label.
const SIZE: (i32, i32) = (940, 690);
const TOP: i32 = 150;

/// Em of the text. Larger than elsewhere, since phones show these panels whole.
const EM: i32 = 27;
const LABEL: Style = Style { size: EM, ..BOLD_TEXT };
const LEGEND: Style = Style { size: EM, ..TEXT.level() };

/// Titles of the panels.
const TITLES: [&str; 2] = ["Loss in nats", "Accuracy"];

/// A value beyond this would flatten all others, and is left out like an infinite one.
const LARGEST_VALUE: f64 = 1e6;

/// The smallest height of an accuracy axis: noise below half a percent should not look like an event.
const SMALLEST_SPAN: f64 = 0.005;

/// The most markers on a line.
const MOST_MARKERS: usize = 30;

const LINES: [(&str, Colour); 2] = [("training", BLUE), ("validation", VERMILLION)];

pub(crate) fn plot(config: &Config, metrics: &[EpochMetrics]) -> Plot {
    Plot {
        name: "curves",
        title: "Training curves".to_owned(),
        note: note(config, metrics),
        panels: Quantity::BOTH.map(|quantity| panel(metrics, quantity)).into(),
        table: values(metrics),
        ..Plot::default()
    }
}

fn panel(metrics: &[EpochMetrics], quantity: Quantity) -> Canvas {
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    canvas.text(TITLES[quantity as usize], (0, 0), Style { size: 30, ..BOLD_TEXT });
    draw_legend(&mut canvas, metrics);
    let rows = value_ticks(metrics, quantity);
    let (x, columns) = epoch_axis(metrics.iter());
    let (left, right, bottom) = (room_for(&rows, EM), SIZE.0 - 30, SIZE.1 - BELOW);
    let y = (rows[0].0, rows[rows.len() - 1].0);
    let axes = Axes { left, top: TOP, right, bottom, x, y, size: EM };
    axes.draw(&mut canvas, &rows, &columns, "epoch");
    if let Some((best, _)) = lowest(metrics) {
        draw_best(&mut canvas, &axes, best, quantity);
    }
    for (line, (_, colour)) in lines(metrics).iter().copied().enumerate() {
        let value = |row: &EpochMetrics| quantity.of(row)[line].filter(drawable);
        let points = points(&axes, metrics, value);
        for piece in pieces(&points) {
            canvas.line(&piece, 4, colour);
        }
        draw_markers(&mut canvas, &points, (line, colour), MOST_MARKERS);
    }
    canvas.described(alt(metrics, quantity))
}

/// The legend, above the data so that it covers no line.
fn draw_legend(canvas: &mut Canvas, metrics: &[EpochMetrics]) {
    let (mut x, y) = (0, 64);
    for (line, (label, colour)) in lines(metrics).iter().copied().enumerate() {
        canvas.line(&[(x, y), (x + 48, y)], 4, colour);
        markers::draw(canvas, line, colour, (x + 24, y));
        canvas.text(label, (x + 62, y), LEGEND);
        x += 62 + LEGEND.width(label) + 40;
    }
    if lowest(metrics).is_some() {
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
    let x = axes.within(x, LABEL.width(&label));
    canvas.text(&label, (x, axes.top - EM - 14), LABEL.centred());
}

/// The lines of a panel: training, and validation where anything is held out for it.
fn lines(metrics: &[EpochMetrics]) -> &'static [(&'static str, Colour)] {
    if validates(metrics) { &LINES } else { &LINES[..1] }
}

/// Losses from 0, accuracies from a little below the lowest; at least two ticks.
fn value_ticks(metrics: &[EpochMetrics], quantity: Quantity) -> Vec<Tick> {
    let values = metrics.iter().flat_map(|row| quantity.of(row)).flatten();
    let ticks = match (range(values.filter(drawable)), quantity) {
        (None, _) => ticks(0.0, 1.0, 5),
        (Some((low, high)), Quantity::Loss) => {
            ticks(low.min(0.0), if high > 1e-9 { 1.02 * high } else { 1.0 }, 6)
        }
        (Some((low, high)), Quantity::Accuracy) => {
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

fn drawable(value: &f64) -> bool {
    value.abs() <= LARGEST_VALUE
}

/// Whether any epoch was validated.
fn validates(metrics: &[EpochMetrics]) -> bool {
    metrics.iter().any(|row| row.val_loss.is_some() || row.val_accuracy.is_some())
}

/// How training was measured, and what is left out.
fn note(config: &Config, metrics: &[EpochMetrics]) -> String {
    let dropout = config.network.conv_dropout > 0.0 || config.network.dense_dropout > 0.0;
    let on = match (dropout, !config.augmentation.is_none()) {
        (true, true) => "with dropout and augmentation on ",
        (true, false) => "with dropout on ",
        (false, true) => "with augmentation on ",
        (false, false) => "",
    };
    let smoothed = config.training.label_smoothing > 0.0;
    let weighted = config.training.class_weights == ClassWeights::Balanced;
    let smoothed = match (smoothed, weighted) {
        (true, true) => ", its loss against smoothed targets and weighted by class",
        (true, false) => ", its loss against smoothed targets",
        (false, true) => ", its loss weighted by class",
        (false, false) => "",
    };
    let validation = match (validates(metrics), config.optimizer.average_decay > 0.0) {
        (false, _) => ". Nothing was held out for validation.",
        (true, true) => {
            ", and validation on the moving average of the weights, so validation can look better."
        }
        (true, false) => ", so validation can look better.",
    };
    let left_out = |row: &&EpochMetrics| {
        let mut values = Quantity::BOTH.into_iter().flat_map(|q| q.of(row)).flatten();
        !values.all(|value| drawable(&value))
    };
    let epochs = metrics.iter().filter(left_out).map(|row| row.epoch.to_string());
    let epochs: Vec<_> = epochs.collect();
    let left_out = match epochs.len() {
        0 => String::new(),
        n => format!(
            " Left out: values of {} {}{} that are not finite or too large to draw.",
            if n == 1 { "epoch" } else { "epochs" },
            epochs[..n.min(8)].join(", "),
            if n > 8 { " and others" } else { "" }
        ),
    };
    format!(
        "Training is measured {on}while the weights still change{smoothed}{validation}{left_out}"
    )
}

fn alt(metrics: &[EpochMetrics], quantity: Quantity) -> String {
    let best = lowest(metrics).map_or_else(String::new, |(row, _)| {
        format!(" The validation loss is lowest in epoch {}.", row.epoch)
    });
    let epochs = plural(metrics.len(), "epoch", "epochs");
    format!("{} over {epochs}: {}.{best}", TITLES[quantity as usize], quantity.at_the_end(metrics))
}

fn values(metrics: &[EpochMetrics]) -> String {
    let row = |row: &EpochMetrics| {
        let values =
            Quantity::BOTH.map(|quantity| quantity.of(row).map(|value| quantity.known(value)));
        [row.epoch.to_string()].into_iter().chain(values.concat()).collect()
    };
    let rows: Vec<_> = metrics.iter().map(row).collect();
    let columns = ["Epoch", "Loss", "Validation loss", "Accuracy", "Validation accuracy"];
    let table = table("", &columns, &rows);
    format!("<details><summary>The values behind the curves</summary>\n{table}</details>")
}
