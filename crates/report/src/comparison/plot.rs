//! Loss and accuracy of several runs over their epochs.
//!
//! Both axes are logarithmic, that of the accuracy in the fraction of errors: runs worth comparing differ by tenths of
//! a percent, which a linear axis that also holds the first epoch would not show.

use super::{ComparedRun, label};
use crate::drawing::*;
use crate::history::{Quantity, draw_markers, epoch_axis, pieces, points};
use crate::numbers::{percent, plural};

/// Width of a panel, which a phone shows whole, and where the data lie in it; the runs are listed below.
const WIDTH: i32 = 940;
const LEFT: i32 = 140;
const TOP: i32 = 70;
const BOTTOM: i32 = 620;

/// From the data to the first label, and from one label to the next.
const ABOVE_LIST: i32 = BELOW + 36;
const LABEL_LINE: i32 = 40;

/// Em of the text.
const EM: i32 = 27;
const LABEL: Style = Style { size: EM, ..TEXT.level() };

/// Titles of the panels.
const TITLES: [&str; 2] =
    ["Loss in nats, on a logarithmic axis", "Accuracy, errors on a logarithmic axis"];

/// Markers on one line.
const MOST_MARKERS: usize = 8;

/// Losses that are drawn: smaller ones lie on the lower edge, larger ones are left out.
const SMALLEST_LOSS: f64 = 1e-6;
const LARGEST_LOSS: f64 = 1e6;

/// The smallest fraction of errors: better accuracies lie on the upper edge.
const SMALLEST_ERROR: f64 = 1e-5;

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
            n => format!("{n} runs compared"),
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
                    change, with dropout and augmentation on where a run uses them. Below: each run's marker and its last \
                    value, in validation; where nothing is held out, what is known is in training and does not \
                    compare with the others."
        .to_owned();
    let left_out = |quantity: Quantity| {
        let values = runs.iter().flat_map(|run| run.metrics).flat_map(move |row| quantity.of(row));
        values.flatten().filter(|&value| height(quantity, value).is_none()).count()
    };
    let left_out: usize = Quantity::BOTH.map(left_out).iter().sum();
    if left_out > 0 {
        let values = plural(left_out, "value", "values");
        note += &format!(" Left out: {values} that cannot be drawn.");
    }
    note
}

fn panel(runs: &[ComparedRun], quantity: Quantity) -> Canvas {
    let title = TITLES[quantity as usize];
    let height = BOTTOM + ABOVE_LIST + runs.len() as i32 * LABEL_LINE;
    let mut canvas = Canvas::new(WIDTH, height);
    canvas.text(title, (0, 0), Style { size: 30, ..BOLD_TEXT });
    let axes = draw_axes(&mut canvas, runs, quantity);
    for (position, run) in runs.iter().enumerate() {
        let value = draw_run(&mut canvas, &axes, (position, run), quantity);
        let y = BOTTOM + ABOVE_LIST + position as i32 * LABEL_LINE;
        markers::draw(&mut canvas, position, markers::colour(position), (14, y));
        let value = value.map_or_else(|| ": none".to_owned(), |value| format!(": {value}"));
        let name = LABEL.fit(&label(run), WIDTH - 40 - LABEL.width(&value));
        canvas.text(&format!("{name}{value}"), (40, y), LABEL);
    }
    let alt = |run: &ComparedRun| format!(" {}: {}.", label(run), quantity.at_the_end(run.metrics));
    let alts: String = runs.iter().map(alt).collect();
    canvas.described(format!("{title}.{alts}"))
}

/// Both lines of a run with its markers; the last value of the marked one as text.
fn draw_run(
    canvas: &mut Canvas,
    axes: &Axes,
    (position, run): (usize, &ComparedRun),
    quantity: Quantity,
) -> Option<String> {
    let colour = markers::colour(position);
    let [training, validation] = [0, 1]
        .map(|line| points(axes, run.metrics, |row| height(quantity, quantity.of(row)[line]?)));
    for piece in pieces(&training) {
        canvas.dashed_line(&piece, 2, colour);
    }
    for piece in pieces(&validation) {
        canvas.line(&piece, 4, colour);
    }
    let validated = validation.iter().any(Option::is_some);
    let marked = if validated { validation } else { training };
    draw_markers(canvas, &marked, (position, colour), MOST_MARKERS);
    let last = marked.iter().rposition(Option::is_some)?;
    let value = quantity.write(quantity.of(&run.metrics[last])[usize::from(validated)]?);
    // A value in training must not pass for one in validation.
    Some(if validated { value } else { format!("{value} in training") })
}

/// Axes over the epochs and values of all runs.
fn draw_axes(canvas: &mut Canvas, runs: &[ComparedRun], quantity: Quantity) -> Axes {
    let rows = || runs.iter().flat_map(|run| run.metrics);
    let values = rows().flat_map(|row| quantity.of(row)).flatten();
    let ticks = match (range(values.filter_map(|value| measure(quantity, value))), quantity) {
        (None, _) => log_ticks(0.01, 1.0),
        (Some((low, high)), Quantity::Loss) => log_ticks(low, high),
        // An axis of errors ends at 100 %.
        (Some((low, high)), Quantity::Accuracy) => log_ticks(low.min(0.5), high),
    };
    let tick = |tick: f64| match quantity {
        Quantity::Loss if tick < 1e-4 => (tick.log10(), format!("{tick:e}")),
        Quantity::Loss => (tick.log10(), tick.to_string()),
        Quantity::Accuracy => (-tick.log10(), percent(1.0 - tick, decimals(100.0 * tick))),
    };
    let ticks: Vec<Tick> = ticks.into_iter().map(tick).collect();
    let (first, last) = (ticks[0].0, ticks[ticks.len() - 1].0);
    let (x, epochs) = epoch_axis(rows());
    let y = (first.min(last), first.max(last));
    let (left, top, right, bottom) = (LEFT, TOP, WIDTH - 30, BOTTOM);
    let axes = Axes { left, top, right, bottom, x, y, size: EM };
    axes.draw(canvas, &ticks, &epochs, "epoch");
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
