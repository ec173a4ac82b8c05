//! The reliability diagram: how often the network is correct against how sure it is.
//!
//! A good network is sure of almost every image, so bins with equal numbers of predictions would all lie in one corner.
//! The bins are those of equal width that the expected calibration error adds up. Intervals show which of them hold too
//! few predictions to say much, and a second panel shows how many, on a logarithmic axis.

use crate::calibration::{BINS, Bin, bins, expected_calibration_error};
use crate::drawing::*;
use crate::inputs::Inputs;
use crate::numbers::{accuracy, count, percent};

/// Side of the data, where they begin below the title, and room for the last number beyond them.
const SIDE: i32 = 700;
const TOP: i32 = 56;
const BEYOND: i32 = 50;

/// The numbers above the bars.
const NUMBER: Style = Style { size: 18, baseline: Baseline::Bottom, ..TEXT.centred() };

pub(super) fn plot(inputs: &Inputs) -> Plot {
    let error = expected_calibration_error(inputs.predictions);
    let bins = bins(inputs.predictions);
    Plot {
        name: "calibration",
        title: format!("Calibration: expected error {}", accuracy(error)),
        note: note(inputs, &bins),
        panels: vec![reliability(&bins), counts(&bins)],
        ..Plot::default()
    }
}

fn note(inputs: &Inputs, bins: &[Bin; BINS]) -> String {
    let all: usize = bins.iter().map(|bin| bin.count).sum();
    let left_out = match inputs.predictions.len() - all {
        0 => String::new(),
        n => format!(" Left out: {} that are not probabilities.", count(n)),
    };
    format!(
        "{} On the dashed line, the fraction that is correct equals the probability; below it the network is too \
         confident. Vertical bars are 95 % intervals of that fraction (Wilson): the fewer images, the longer. \
         The bins have equal width; the expected calibration error adds them up (Guo and others 2017).{left_out}",
        fullest(bins)
    )
}

/// The bin with the most images in words; empty where no bin has any.
fn fullest(bins: &[Bin; BINS]) -> String {
    let all: usize = bins.iter().map(|bin| bin.count).sum();
    let fullest = bins.iter().enumerate().max_by_key(|(_, bin)| bin.count);
    let Some((position, bin)) = fullest.filter(|(_, bin)| bin.count > 0) else {
        return String::new();
    };
    let (from, to) = edges(position);
    format!(
        "{} of the images have a probability between {} and {}, {} on average, and {} of these are correct.",
        percent(bin.count as f64 / all as f64, 1),
        percent(from, 1),
        percent(to, 1),
        accuracy(bin.confidence()),
        accuracy(bin.accuracy())
    )
}

/// The fraction of each bin that is correct.
fn reliability(bins: &[Bin; BINS]) -> Panel {
    let ticks = percents();
    let (axes, mut canvas) = frame("Fraction that is correct", &ticks, (0.0, 1.0));
    canvas.dashed_line(&[axes.place((0.0, 0.0)), axes.place((1.0, 1.0))], 3, MUTED);
    for bin in bins.iter().filter(|bin| bin.count > 0) {
        let (x, (low, high)) = (bin.confidence(), bin.interval());
        canvas.line(&[axes.place((x, low)), axes.place((x, high))], 6, BLUE.faded(0.45));
        canvas.circle(axes.place((x, bin.accuracy())), 10, BLUE);
    }
    Panel { alt: format!("Fraction that is correct by probability. {}", fullest(bins)), canvas }
}

/// How many images lie in each bin.
fn counts(bins: &[Bin; BINS]) -> Panel {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    // The axis begins below 1, so that a bar of one image is visible.
    let (lowest, highest) = (-0.3, (most as f64).log10().ceil().max(1.0));
    let powers = 0..=highest as u32;
    let ticks: Vec<Tick> =
        powers.map(|power| (f64::from(power), count(10usize.pow(power)))).collect();
    let title = "Images, on a logarithmic axis";
    let (axes, mut canvas) = frame(title, &ticks, (lowest, highest));
    canvas.line(&[axes.place((0.0, lowest)), axes.place((1.0, lowest))], 2, MUTED);
    let numbered = NUMBER.width(&most.to_string()) <= SIDE / BINS as i32;
    for (position, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
        let (from, to) = edges(position);
        let (left, top) = axes.place((from, (bin.count as f64).log10()));
        let (right, bottom) = axes.place((to, lowest));
        canvas.rect((left + 3, top), (right - left - 6, bottom - top), BLUE);
        if numbered {
            canvas.text(&bin.count.to_string(), (left.midpoint(right), top - 12), NUMBER);
        }
    }
    Panel { alt: "Number of images by probability, in bins of equal width.".to_owned(), canvas }
}

/// A panel with its title and its axes.
fn frame(title: &str, rows: &[Tick], y: (f64, f64)) -> (Axes, Canvas) {
    let left = room_for(rows, TEXT.size);
    let mut canvas = Canvas::new(left + SIDE + BEYOND, TOP + SIDE + BELOW);
    canvas.text(title, (0, 0), BOLD_TEXT);
    let (right, bottom) = (left + SIDE, TOP + SIDE);
    let axes = Axes { left, top: TOP, right, bottom, x: (0.0, 1.0), y, size: TEXT.size };
    axes.draw(&mut canvas, rows, &percents(), "probability of the predicted class");
    (axes, canvas)
}

/// Lower and upper edge of a bin.
fn edges(position: usize) -> (f64, f64) {
    let edge = |position: usize| position as f64 / BINS as f64;
    (edge(position), edge(position + 1))
}

fn percents() -> Vec<Tick> {
    (0..=5).map(|fifth| f64::from(fifth) / 5.0).map(|part| (part, percent(part, 0))).collect()
}
