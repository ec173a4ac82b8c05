//! Loss and accuracy over the epochs.

mod words;

pub(crate) use words::{alt, note, panel_alt};

use plotters::element::{DashedPathElement, PathElement};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;
use run::EpochMetrics;

use crate::frame::{HEADER, LINE, MARGIN, header, note_lines, notes, titled};
use crate::inputs::Inputs;
use crate::marks;
use crate::palette::{BLUE, INK, MUTED, VERMILLION};
use crate::plot::{BELOW, Plot, Tick};
use crate::render::{Area, Drawn};
use crate::text::{Weight, fit, loss, percent, style, width};
use crate::ticks::{decimals, ticks, whole_ticks};

/// Width and height of one panel.
pub(crate) const PANEL: (i32, i32) = (1000, 720);

/// Width of both side by side.
const WIDTH: i32 = 2 * PANEL.0;

/// Ems of a panel's title and of everything else in it. Larger than elsewhere, for panels are shown
/// on phones whole.
const HEADING: i32 = 30;
const EM: i32 = 27;

/// Where the plot lies in its panel: below title, legend and the best epoch's label, right of the
/// numbers.
const PLOT_TOP: i32 = 166;
const PLOT_LEFT: i32 = 140;

/// A loss beyond this is as good as infinite: drawn, it would flatten every other one.
const LARGEST_LOSS: f64 = 1e6;

/// The smallest height of an accuracy axis: below half a percent, noise looks like drama.
const SMALLEST_SPAN: f64 = 0.005;

/// Markers stand closer than this many to a line only on top of each other.
const MOST_MARKERS: usize = 30;

/// What a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Loss,
    Accuracy,
}

impl Quantity {
    /// In training and in validation; the latter is no number where nothing is held out.
    fn of(self, row: &EpochMetrics) -> [f64; 2] {
        match self {
            Self::Loss => [row.loss, row.val_loss.unwrap_or(f64::NAN)],
            Self::Accuracy => [row.accuracy, row.val_accuracy.unwrap_or(f64::NAN)],
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Self::Loss => loss(value),
            Self::Accuracy => percent(value, 2),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss in nats",
            Self::Accuracy => "Accuracy",
        }
    }
}

/// Size of the picture with both panels.
pub(crate) fn size(inputs: &Inputs) -> (i32, i32) {
    let lines = note_lines(&note(inputs), WIDTH).len() as i32;
    (WIDTH, HEADER + PANEL.1 + 10 + lines * LINE + MARGIN)
}

/// Draws both panels side by side.
pub(crate) fn draw<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    header(area, inputs, "Training curves")?;
    let (_, below) = area.split_vertically(HEADER);
    let (panels, _) = below.split_vertically(PANEL.1);
    let (left, right) = panels.split_horizontally(PANEL.0);
    draw_panel(&left, inputs, Quantity::Loss)?;
    draw_panel(&right, inputs, Quantity::Accuracy)?;
    notes(area, &note_lines(&note(inputs), WIDTH), HEADER + PANEL.1 + 10)
}

/// Draws one panel.
pub(crate) fn draw_panel<DB: DrawingBackend>(
    area: &Area<DB>,
    inputs: &Inputs,
    quantity: Quantity,
) -> Drawn<DB> {
    draw_panel_head(area, inputs, quantity)?;
    let epochs: Vec<f64> = inputs.metrics.iter().map(|row| row.epoch as f64).collect();
    let (first, last) =
        epochs.iter().fold((f64::MAX, f64::MIN), |(low, high), &e| (low.min(e), high.max(e)));
    let pad = (0.03 * (last - first)).max(0.5);
    let values: Vec<f64> = inputs
        .metrics
        .iter()
        .flat_map(|row| quantity.of(row))
        .filter(|&value| drawable(value))
        .collect();
    let marks = value_ticks(&values, quantity);
    let step = marks[1] - marks[0];
    let write = move |value: &f64| match quantity {
        Quantity::Loss if step < 1e-4 && *value != 0.0 => format!("{value:.0e}"),
        Quantity::Loss => format!("{value:.*}", decimals(step)),
        Quantity::Accuracy => percent(*value, decimals(100.0 * step)),
    };

    let (lowest, highest) = (marks[0], marks[marks.len() - 1]);
    let plot = Plot {
        left: PLOT_LEFT,
        top: PLOT_TOP,
        right: PANEL.0 - MARGIN,
        bottom: PANEL.1 - BELOW,
        x: (first - pad, last + pad),
        y: (lowest, highest),
        em: EM,
    };
    let rows: Vec<Tick> = marks.iter().map(|value| (*value, write(value))).collect();
    plot.draw_rows(area, &rows)?;
    let columns = whole_ticks(first, last, 8);
    let columns: Vec<Tick> = columns.into_iter().map(|e| (e, format!("{e:.0}"))).collect();
    plot.draw_columns(area, &columns, "epoch")?;

    if let Some(best) = inputs.best_epoch() {
        let (x, _) = plot.place((best.epoch as f64, lowest));
        let ends = [(x, plot.bottom), (x, plot.top)];
        area.draw(&DashedPathElement::new(ends, 10, 8, MUTED.stroke_width(2)))?;
        let label = format!("epoch {}: {}", best.epoch, quantity.write(quantity.of(best)[1]));
        let half = width(&label, EM, Weight::Bold) / 2;
        let x = x.clamp(plot.left + half, (plot.right - half).max(plot.left + half));
        let label_style = style(EM, Weight::Bold, INK, HPos::Center, VPos::Top);
        area.draw_text(&label, &label_style, (x, plot.top - EM - 14))?;
    }

    let every = inputs.metrics.len().div_ceil(MOST_MARKERS);
    for (line, (_, colour)) in lines(inputs).iter().enumerate() {
        let points: Vec<(f64, f64)> = epochs
            .iter()
            .zip(inputs.metrics)
            .map(|(&epoch, row)| (epoch, quantity.of(row)[line]))
            .collect();
        // A gap in the line where a value is missing, instead of a bridge that nobody measured.
        for piece in points.split(|&(_, value)| !drawable(value)) {
            let piece: Vec<_> = piece.iter().map(|&point| plot.place(point)).collect();
            area.draw(&PathElement::new(piece, colour.stroke_width(4)))?;
        }
        for (position, &point) in points.iter().enumerate() {
            if drawable(point.1) && position % every == 0 {
                marks::draw(area, line, *colour, plot.place(point))?;
            }
        }
    }
    Ok(())
}

/// Title and legend, above the plot so that neither covers a line.
fn draw_panel_head<DB: DrawingBackend>(
    area: &Area<DB>,
    inputs: &Inputs,
    quantity: Quantity,
) -> Drawn<DB> {
    let room = PANEL.0 - 2 * MARGIN;
    let title = fit(&titled(quantity.title(), inputs), HEADING, Weight::Bold, room);
    area.draw_text(
        &title,
        &style(HEADING, Weight::Bold, INK, HPos::Left, VPos::Top),
        (MARGIN, 20),
    )?;
    let text = style(EM, Weight::Regular, INK, HPos::Left, VPos::Center);
    let (mut x, y) = (MARGIN, 84);
    for (line, &(label, colour)) in lines(inputs).iter().enumerate() {
        area.draw(&PathElement::new(vec![(x, y), (x + 48, y)], colour.stroke_width(4)))?;
        marks::draw(area, line, colour, (x + 24, y))?;
        area.draw_text(label, &text, (x + 62, y))?;
        x += 62 + width(label, EM, Weight::Regular) + 40;
    }
    if inputs.best_epoch().is_some() {
        let ends = [(x + 10, y - 16), (x + 10, y + 16)];
        area.draw(&DashedPathElement::new(ends, 10, 8, MUTED.stroke_width(2)))?;
        area.draw_text("lowest validation loss", &text, (x + 30, y))?;
    }
    Ok(())
}

/// The lines of a panel: training, and validation where anything is held out for it.
fn lines(inputs: &Inputs) -> &'static [(&'static str, RGBColor)] {
    const LINES: [(&str, RGBColor); 2] = [("training", BLUE), ("validation", VERMILLION)];
    if inputs.validates() { &LINES } else { &LINES[..1] }
}

/// Losses from 0, accuracies from a little below the lowest; at least two numbers.
fn value_ticks(values: &[f64], quantity: Quantity) -> Vec<f64> {
    let (low, high) = values
        .iter()
        .fold((f64::MAX, f64::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    match quantity {
        _ if values.is_empty() => ticks(0.0, 1.0, 5),
        Quantity::Loss => ticks(low.min(0.0), if high > 1e-9 { 1.02 * high } else { 1.0 }, 6),
        Quantity::Accuracy => {
            let room = (0.05 * (high - low)).max(SMALLEST_SPAN / 2.0);
            // Nothing lies above 100 %, so the axis ends there, unless a value does.
            let top = (high + room).min(high.max(1.0));
            ticks((low - room).max(low.min(0.0)), top, 6)
        }
    }
}

fn drawable(value: f64) -> bool {
    value.abs() <= LARGEST_LOSS
}
