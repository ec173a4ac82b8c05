//! Loss and accuracy of several runs over their epochs.
//!
//! Both axes are logarithmic, that of the accuracy in the fraction of errors: runs worth comparing differ by tenths of
//! a percent, which a linear axis that also holds the first epoch would not show.

use run::EpochMetrics;

use super::spread::spread;
use super::{ComparedRun, label};
use crate::drawing::axes::{Axes, BELOW, Tick};
use crate::drawing::canvas::Point;
use crate::drawing::lines::{Line, draw_line, draw_markers, epoch_axis};
use crate::drawing::palette::MUTED;
use crate::drawing::text::{BOLD_TEXT, Style, TEXT};
use crate::drawing::ticks::{decimals, log_ticks};
use crate::drawing::{Canvas, Panel, Plot, markers};
use crate::numbers::{percent, plural};
use crate::quantity::Quantity;

/// Width and height of a panel, and where the data lie in it; the labels are on their right.
const SIZE: (i32, i32) = (1240, 800);
const LEFT: i32 = 130;
const TOP: i32 = 70;
const RIGHT: i32 = 740;
const LABELS: i32 = RIGHT + 70;

/// Em of the text.
const EM: i32 = 25;
const LABEL: Style = Style { size: EM, ..TEXT.level() };

/// Markers on one line.
const MOST_MARKERS: usize = 8;

/// Losses that are drawn: smaller ones lie on the lower edge, larger ones are left out.
const SMALLEST_LOSS: f64 = 1e-6;
const LARGEST_LOSS: f64 = 1e6;

/// The smallest fraction of errors: better accuracies lie on the upper edge.
const SMALLEST_ERROR: f64 = 1e-5;

/// The end of a run's line: the position of the run, the last point, and its value as text.
struct End {
    position: usize,
    point: Point,
    value: String,
}

pub(super) fn plot(runs: &[ComparedRun]) -> Plot {
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        if !names.contains(&run.facts.name.as_str()) {
            names.push(&run.facts.name);
        }
    }
    Plot {
        name: "comparison",
        title: match runs.len() {
            1 => "One run".to_owned(),
            n => format!("{} compared", plural(n, "run", "runs")),
        },
        subtitle: names.join(", "),
        synthetic: runs.iter().all(|run| run.facts.synthetic),
        note: note(runs),
        panels: Quantity::BOTH.map(|quantity| panel(runs, quantity)).into(),
        ..Plot::default()
    }
}

fn note(runs: &[ComparedRun]) -> String {
    let mut note = "Thick lines are validation; thin dashed lines are training, measured while the weights still \
                    change, with dropout and augmentation on where a run uses them. Beside each line: the run and its \
                    last value, in validation where anything is held out for it."
        .to_owned();
    let rows = || runs.iter().flat_map(|run| run.metrics);
    let left_out = |quantity: Quantity| {
        let values = rows().flat_map(move |row| quantity.of(row)).flatten();
        values.filter(|&value| height(quantity, value).is_none()).count()
    };
    let left_out: usize = Quantity::BOTH.into_iter().map(left_out).sum();
    if left_out > 0 {
        note +=
            &format!(" Left out: {} that cannot be drawn.", plural(left_out, "value", "values"));
    }
    note
}

fn panel(runs: &[ComparedRun], quantity: Quantity) -> Panel {
    let title = match quantity {
        Quantity::Loss => "Loss in nats, on a logarithmic axis",
        Quantity::Accuracy => "Accuracy, errors on a logarithmic axis",
    };
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    canvas.text(title, (0, 0), Style { size: 30, ..BOLD_TEXT });
    let axes = draw_axes(&mut canvas, runs, quantity);
    let ends: Vec<_> = runs
        .iter()
        .enumerate()
        .filter_map(|(position, run)| draw_run(&mut canvas, &axes, (position, run), quantity))
        .collect();
    draw_labels(&mut canvas, &axes, runs, ends);
    let alts: Vec<_> = runs.iter().map(|run| alt(run, quantity)).collect();
    Panel { alt: format!("{title}. {}", alts.join(" ")), canvas }
}

/// The last values of a run.
fn alt(run: &ComparedRun, quantity: Quantity) -> String {
    let last = run.metrics.last().map_or([None; 2], |row| quantity.of(row));
    let [training, validation] = last.map(|value| value.map(|value| quantity.write(value)));
    let validation = validation.map_or_else(
        || "nothing held out for validation".to_owned(),
        |value| format!("{value} in validation"),
    );
    format!(
        "{}: at the end {} in training, {validation}.",
        label(run),
        training.unwrap_or_default()
    )
}

/// Both lines of a run with its markers; the end of the marked one.
fn draw_run(
    canvas: &mut Canvas,
    axes: &Axes,
    (position, run): (usize, &ComparedRun),
    quantity: Quantity,
) -> Option<End> {
    let colour = markers::colour(position);
    let lines = [0, 1].map(|line| {
        let place = |row: &EpochMetrics| {
            let height = height(quantity, quantity.of(row)[line]?)?;
            Some(axes.place((row.epoch as f64, height)))
        };
        run.metrics.iter().map(place).collect::<Vec<_>>()
    });
    draw_line(canvas, &lines[0], Line { colour, width: 2, dashed: true });
    draw_line(canvas, &lines[1], Line { colour, width: 4, dashed: false });
    let marked = usize::from(lines[1].iter().any(Option::is_some));
    draw_markers(canvas, &lines[marked], (position, colour), MOST_MARKERS);
    let (point, row) = lines[marked]
        .iter()
        .zip(run.metrics)
        .rev()
        .find_map(|(point, row)| Some(((*point)?, row)))?;
    Some(End { position, point, value: quantity.write(quantity.of(row)[marked]?) })
}

/// The runs' names beside the ends of their lines, moved apart where they would overlap.
fn draw_labels(canvas: &mut Canvas, axes: &Axes, runs: &[ComparedRun], mut ends: Vec<End>) {
    ends.sort_by_key(|end| end.point.1);
    let heights: Vec<_> = ends.iter().map(|end| end.point.1).collect();
    for (end, y) in ends.iter().zip(spread(&heights, axes.top, axes.bottom)) {
        canvas.line(&[(end.point.0 + 14, end.point.1), (LABELS - 18, y)], 1, MUTED);
        markers::draw(canvas, end.position, markers::colour(end.position), (LABELS, y));
        let value = format!(": {}", end.value);
        let room = SIZE.0 - LABELS - 20 - LABEL.width(&value);
        let name = LABEL.fit(&label(&runs[end.position]), room);
        canvas.text(&format!("{name}{value}"), (LABELS + 20, y), LABEL);
    }
}

/// Axes over the epochs and values of all runs.
fn draw_axes(canvas: &mut Canvas, runs: &[ComparedRun], quantity: Quantity) -> Axes {
    let rows = || runs.iter().flat_map(|run| run.metrics);
    let values = rows().flat_map(|row| quantity.of(row)).flatten();
    let (low, high) = values
        .filter_map(|value| measure(quantity, value))
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let marks = match quantity {
        _ if low > high => log_ticks(0.01, 1.0),
        Quantity::Loss => log_ticks(low, high),
        // An axis of errors ends at 100 %.
        Quantity::Accuracy => log_ticks(low.min(0.5), high),
    };
    let (bottom, top) = (marks[0].log10(), marks[marks.len() - 1].log10());
    let tick = |mark: f64| match quantity {
        Quantity::Loss if mark < 1e-4 => (mark.log10(), format!("{mark:e}")),
        Quantity::Loss => (mark.log10(), mark.to_string()),
        Quantity::Accuracy => (-mark.log10(), percent(1.0 - mark, decimals(100.0 * mark))),
    };
    let ticks: Vec<Tick> = marks.into_iter().map(tick).collect();
    let (x, epochs) = epoch_axis(rows());
    let axes = Axes {
        left: LEFT,
        top: TOP,
        right: RIGHT,
        bottom: SIZE.1 - BELOW,
        x,
        y: match quantity {
            Quantity::Loss => (bottom, top),
            Quantity::Accuracy => (-top, -bottom),
        },
        size: EM,
    };
    axes.draw_rows(canvas, &ticks);
    axes.draw_columns(canvas, &epochs, "epoch");
    axes
}

/// What is put on the logarithmic axis: a loss, or the fraction of errors; `None` where it cannot be drawn.
fn measure(quantity: Quantity, value: f64) -> Option<f64> {
    match quantity {
        Quantity::Loss => (0.0..=LARGEST_LOSS).contains(&value).then(|| value.max(SMALLEST_LOSS)),
        Quantity::Accuracy => {
            (0.0..=1.0).contains(&value).then(|| (1.0 - value).max(SMALLEST_ERROR))
        }
    }
}

/// Where a value lies on the axis: up is a higher loss, or fewer errors.
fn height(quantity: Quantity, value: f64) -> Option<f64> {
    let logarithm = measure(quantity, value)?.log10();
    Some(if quantity == Quantity::Loss { logarithm } else { -logarithm })
}
