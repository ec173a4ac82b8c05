//! Calibration: whether predictions with probability p are correct in a fraction p of the cases.

use run::Prediction;

/// Bins of equal width over the probabilities, as many as in Guo and others, "On Calibration of Modern Neural
/// Networks", 2017, section 4.
pub(crate) const BINS: usize = 15;

/// Quantile of the normal distribution for a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// The predictions whose probability falls into one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bin {
    /// Predictions in it.
    pub(crate) count: usize,
    /// Correct ones among them.
    pub(crate) correct: usize,
    /// Sum of their probabilities.
    pub(crate) probability: f64,
}

impl Bin {
    /// Fraction that is correct, in [0, 1]; not a number where the bin is empty.
    pub(crate) fn accuracy(&self) -> f64 {
        self.correct as f64 / self.count as f64
    }

    /// Mean probability, in [0, 1]; not a number where the bin is empty.
    pub(crate) fn confidence(&self) -> f64 {
        self.probability / self.count as f64
    }

    /// 95 % confidence interval of the accuracy (Wilson 1927), in [0, 1].
    pub(crate) fn interval(&self) -> (f64, f64) {
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
pub(crate) fn bins(predictions: &[Prediction]) -> [Bin; BINS] {
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
