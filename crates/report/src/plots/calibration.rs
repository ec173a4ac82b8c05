//! The reliability diagram: how often the network is correct against how sure it is.
//!
//! A good network is sure of almost every image, so bins with equal numbers of predictions would all lie in one corner.
//! The bins are those of equal width that the expected calibration error adds up. Intervals show which of them hold too
//! few predictions to say much, and a second panel shows how many, on a logarithmic axis.

use run::Prediction;

use crate::drawing::*;
use crate::inputs::Inputs;
use crate::numbers::{accuracy, count, percent};

/// Bins of equal width over the probabilities, as many as in Guo and others, "On Calibration of Modern Neural
/// Networks", 2017, section 4.
const BINS: usize = 15;

/// Quantile of the normal distribution for a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// Side of the data, where they begin below the title, and room for the last number beyond them.
const SIDE: i32 = 700;
const TOP: i32 = 56;
const BEYOND: i32 = 50;

/// The numbers above the bars.
const NUMBER: Style = Style { size: 22, baseline: Baseline::Bottom, ..TEXT.centred() };

/// The predictions whose probability falls into one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    /// Predictions in it.
    count: usize,
    /// Correct ones among them.
    correct: usize,
    /// Sum of their probabilities.
    probability: f64,
}

impl Bin {
    /// Fraction that is correct, in [0, 1]; not a number where the bin is empty.
    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }

    /// Mean probability, in [0, 1]; not a number where the bin is empty.
    fn confidence(&self) -> f64 {
        self.probability / self.count as f64
    }

    /// 95 % confidence interval of the accuracy (Wilson 1927), in [0, 1].
    fn interval(&self) -> (f64, f64) {
        let (n, accuracy) = (self.count as f64, self.accuracy());
        let middle = accuracy + Z * Z / (2.0 * n);
        let half = Z * (accuracy * (1.0 - accuracy) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
    }
}

/// Expected calibration error in [0, 1] (Guo and others 2017, equation 3): over 15 bins of equal width, each closed
/// above, the mean distance of the fraction that is correct from the mean probability of the predicted class, weighted
/// by the number of predictions. Not a number where there are no predictions, or where a probability is outside [0, 1].
#[must_use]
pub fn expected_calibration_error(predictions: &[Prediction]) -> f64 {
    if predictions.iter().any(|p| !(0.0..=1.0).contains(&p.probability)) {
        return f64::NAN;
    }
    let filled = bins(predictions).into_iter().filter(|bin| bin.count > 0);
    // The weight cancels the division by the bin's own count.
    let sum: f64 = filled.map(|bin| (bin.correct as f64 - bin.probability).abs()).sum();
    sum / predictions.len() as f64
}

/// The bins, from the lowest probability up: bin `i` holds those in `(i / 15, (i + 1) / 15]`, and the first also 0.
/// Values outside [0, 1] are left out.
fn bins(predictions: &[Prediction]) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for prediction in predictions.iter().filter(|p| (0.0..=1.0).contains(&p.probability)) {
        let above = (prediction.probability * BINS as f64).ceil() as usize;
        let bin = &mut bins[above.saturating_sub(1).min(BINS - 1)];
        bin.count += 1;
        bin.correct += usize::from(prediction.label == prediction.predicted);
        bin.probability += prediction.probability;
    }
    bins
}

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
fn reliability(bins: &[Bin; BINS]) -> Canvas {
    let ticks = percents();
    let (axes, mut canvas) = frame("Fraction that is correct", &ticks, (0.0, 1.0));
    canvas.dashed_line(&[axes.place((0.0, 0.0)), axes.place((1.0, 1.0))], 3, MUTED);
    for bin in bins.iter().filter(|bin| bin.count > 0) {
        let (x, (low, high)) = (bin.confidence(), bin.interval());
        canvas.line(&[axes.place((x, low)), axes.place((x, high))], 6, BLUE.faded(0.45));
        canvas.circle(axes.place((x, bin.accuracy())), 10, BLUE);
    }
    canvas.described(format!("Fraction that is correct by probability. {}", fullest(bins)))
}

/// How many images lie in each bin.
fn counts(bins: &[Bin; BINS]) -> Canvas {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    // The axis begins below 1, so that a bar of one image is visible.
    let (lowest, highest) = (-0.3, (most as f64).log10().ceil().max(1.0));
    let powers = 0..=highest as u32;
    let ticks: Vec<Tick> =
        powers.map(|power| (f64::from(power), count(10usize.pow(power)))).collect();
    let title = "Images, on a logarithmic axis";
    let (axes, mut canvas) = frame(title, &ticks, (lowest, highest));
    canvas.line(&[axes.place((0.0, lowest)), axes.place((1.0, lowest))], 2, MUTED);
    let (_, number) = NUMBER.shrunk(&most.to_string(), SIDE / BINS as i32);
    let numbered = number.width(&most.to_string()) <= SIDE / BINS as i32;
    for (position, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
        let (from, to) = edges(position);
        let (left, top) = axes.place((from, (bin.count as f64).log10()));
        let (right, bottom) = axes.place((to, lowest));
        canvas.rect((left + 3, top), (right - left - 6, bottom - top), BLUE);
        if numbered {
            canvas.text(&bin.count.to_string(), (left.midpoint(right), top - 12), number);
        }
    }
    canvas.described("Number of images by probability, in bins of equal width.".to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(probability: f64, correct: bool) -> Prediction {
        Prediction { index: 0, label: 0, predicted: usize::from(!correct), probability, loss: 0.0 }
    }

    #[test]
    fn the_error_is_what_the_definition_gives_by_hand() {
        // The last bin: 3 of 4 correct at 0.95, off by 0.2; the eighth, up to 8/15: 0 of 1 at 0.5.
        let mut predictions = vec![prediction(0.95, true); 3];
        predictions.extend([prediction(0.95, false), prediction(0.5, false)]);
        let error = expected_calibration_error(&predictions);
        assert!((error - (4.0 * 0.2 + 1.0 * 0.5) / 5.0).abs() < 1e-12, "{error}");
    }

    #[test]
    fn errors_in_opposite_directions_cancel_in_a_bin_only() {
        // 0.9 lies in (13/15, 14/15], 0.94 and 0.96 in the last bin.
        let same = [prediction(0.94, true), prediction(0.96, false)];
        let error = expected_calibration_error(&same);
        assert!((error - (0.95 - 0.5)).abs() < 1e-12, "{error}");
        let apart = [prediction(0.9, true), prediction(0.96, false)];
        let error = expected_calibration_error(&apart);
        assert!((error - (0.1 + 0.96) / 2.0).abs() < 1e-12, "{error}");
    }

    #[test]
    fn bins_are_closed_above() {
        let bins = bins(&[0.0, 0.2, 0.2001, 1.0].map(|p| prediction(p, true)));
        let counts: Vec<_> = bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn values_outside_0_to_1_have_no_error() {
        assert!(expected_calibration_error(&[]).is_nan());
        for wrong in [f64::NAN, -0.1, 1.1] {
            let predictions = [prediction(0.5, true), prediction(wrong, true)];
            assert!(expected_calibration_error(&predictions).is_nan(), "{wrong}");
        }
    }

    #[test]
    fn few_predictions_leave_a_wide_interval() {
        // Wilson's interval for 8 of 10, computed by hand.
        let (low, high) = Bin { count: 10, correct: 8, probability: 8.0 }.interval();
        assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4, "{low} {high}");
    }
}
