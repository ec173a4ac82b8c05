//! The reliability diagram: how often the network is right against how sure it is.
//!
//! A good network is sure of almost every image, so equal numbers of predictions a bin would put
//! all bins into the corner. The bins are therefore those of equal width that the expected
//! calibration error adds up; intervals show which of them hold too few predictions to say much,
//! and a second panel shows how many, on a logarithmic axis.

use plotters::element::{Circle, DashedPathElement, PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;

use crate::calibration::{BINS, bins, expected_calibration_error};
use crate::frame::{HEADER, LINE, MARGIN, header, note_lines, notes};
use crate::inputs::Inputs;
use crate::palette::{BLUE, INK, MUTED};
use crate::plot::{BELOW, Plot, Tick};
use crate::render::{Area, Drawn};
use crate::text::{Weight, count, percent, style, width};

/// Sides of both plots; the left one is square, so that its diagonal is one.
const SIDE: i32 = 780;

/// Where the plots lie, and how far apart.
const LEFT: i32 = 150;
const TOP: i32 = HEADER + 60;
const BETWEEN: i32 = 170;

/// The last number is centred below the end of its axis.
const WIDTH: i32 = LEFT + 2 * SIDE + BETWEEN + MARGIN + 30;
const NOTES_TOP: i32 = TOP + SIDE + BELOW + 20;

/// Ems of the axes and of the numbers above the bars.
const EM: i32 = 24;
const SMALL: i32 = 18;

/// Name of both horizontal axes.
const PROBABILITY: &str = "probability of the predicted class";

/// The picture in words.
pub(crate) fn summary(inputs: &Inputs) -> String {
    let bins = bins(inputs.predictions);
    let all: usize = bins.iter().map(|bin| bin.count).sum();
    let mut summary = format!("Expected calibration error: {}.", error(inputs));
    let fullest = bins.iter().enumerate().max_by_key(|(_, bin)| bin.count);
    if let Some((position, bin)) = fullest.filter(|(_, bin)| bin.count > 0) {
        let (from, to) = edges(position);
        summary += &format!(
            " {} of the images have a probability between {} and {}: its mean is {} there, and {} \
             are right.",
            percent(bin.count as f64 / all as f64, 1),
            percent(from, 1),
            percent(to, 1),
            percent(bin.confidence(), 2),
            percent(bin.accuracy(), 2)
        );
    }
    if all < inputs.predictions.len() {
        summary += &format!(
            " Left out: {} that are no probabilities.",
            count(inputs.predictions.len() - all)
        );
    }
    summary
        + " On the dashed line as many are right as the probability promises; below it the \
               network is too sure. Upright lines are 95 % intervals of the part that is right \
               (Wilson): a long one has few images behind it. Bins are of equal width, those \
               that the error adds up (Guo and others 2017)."
}

/// The expected calibration error as people read it.
fn error(inputs: &Inputs) -> String {
    percent(expected_calibration_error(inputs.predictions), 2)
}

/// Width and height in units.
pub(crate) fn size(inputs: &Inputs) -> (i32, i32) {
    let lines = note_lines(&summary(inputs), WIDTH).len() as i32;
    (WIDTH, NOTES_TOP + lines * LINE + MARGIN)
}

/// Draws both plots.
pub(crate) fn draw<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    header(area, inputs, &format!("Calibration, expected error {}", error(inputs)))?;
    draw_reliability(area, inputs)?;
    draw_counts(area, inputs)?;
    notes(area, &note_lines(&summary(inputs), WIDTH), NOTES_TOP)
}

fn draw_reliability<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    let plot = plot(LEFT, (0.0, 1.0));
    draw_title(area, &plot, "Part that is right")?;
    let ticks = percents();
    plot.draw_rows(area, &ticks)?;
    plot.draw_columns(area, &ticks, PROBABILITY)?;
    let diagonal = [plot.place((0.0, 0.0)), plot.place((1.0, 1.0))];
    area.draw(&DashedPathElement::new(diagonal, 10, 8, MUTED.stroke_width(3)))?;
    for bin in bins(inputs.predictions).iter().filter(|bin| bin.count > 0) {
        let (low, high) = bin.interval();
        let x = bin.confidence();
        let ends = vec![plot.place((x, low)), plot.place((x, high))];
        area.draw(&PathElement::new(ends, BLUE.mix(0.45).stroke_width(6)))?;
        area.draw(&Circle::new(plot.place((x, bin.accuracy())), 10, BLUE.filled()))?;
    }
    Ok(())
}

fn draw_counts<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    let bins = bins(inputs.predictions);
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    // A bar of one image must be seen, so the axis begins below it.
    let (lowest, highest) = (-0.3, (most as f64).log10().ceil().max(1.0));
    let plot = plot(LEFT + SIDE + BETWEEN, (lowest, highest));
    draw_title(area, &plot, "Images, on a logarithmic axis")?;
    let powers = 0..=highest as u32;
    let ticks: Vec<Tick> =
        powers.map(|power| (f64::from(power), count(10usize.pow(power)))).collect();
    plot.draw_rows(area, &ticks)?;
    let axis = vec![plot.place((0.0, lowest)), plot.place((1.0, lowest))];
    area.draw(&PathElement::new(axis, MUTED.stroke_width(2)))?;
    plot.draw_columns(area, &percents(), PROBABILITY)?;
    let room = SIDE / BINS as i32;
    let numbered = width(&most.to_string(), SMALL, Weight::Regular) <= room;
    for (position, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
        let (from, to) = edges(position);
        let (left, top) = plot.place((from, (bin.count as f64).log10()));
        let (right, bottom) = plot.place((to, lowest));
        area.draw(&Rectangle::new([(left + 3, top), (right - 3, bottom)], BLUE.filled()))?;
        if numbered {
            let number = style(SMALL, Weight::Regular, INK, HPos::Center, VPos::Bottom);
            area.draw_text(&bin.count.to_string(), &number, (left.midpoint(right), top - 12))?;
        }
    }
    Ok(())
}

fn draw_title<DB: DrawingBackend>(area: &Area<DB>, plot: &Plot, title: &str) -> Drawn<DB> {
    let bold = style(EM, Weight::Bold, INK, HPos::Left, VPos::Top);
    area.draw_text(title, &bold, (plot.left, TOP - 62))
}

fn plot(left: i32, y: (f64, f64)) -> Plot {
    Plot { left, top: TOP, right: left + SIDE, bottom: TOP + SIDE, x: (0.0, 1.0), y, em: EM }
}

/// Lower and upper edge of a bin.
fn edges(position: usize) -> (f64, f64) {
    let edge = |position: usize| position as f64 / BINS as f64;
    (edge(position), edge(position + 1))
}

fn percents() -> Vec<Tick> {
    (0..=5).map(|fifth| f64::from(fifth) / 5.0).map(|part| (part, percent(part, 0))).collect()
}
