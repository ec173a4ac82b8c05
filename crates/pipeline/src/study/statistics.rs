//! Mean, deviation, and whether two recipes differ.

use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::statistics::Statistics;

/// Mean and standard deviation of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) mean: f64,
    /// With `n - 1` in its denominator; none of a single value.
    pub(super) deviation: Option<f64>,
}

/// A comparison of two recipes over the same seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paired {
    /// Mean of the second's figure less the first's.
    pub(super) difference: f64,
    /// p-value of the two-sided paired t-test; none where there are too few pairs, or all differ by the same amount.
    pub(super) p_value: Option<f64>,
    pub(super) n: usize,
}

/// The summary of a sample; none of no values.
pub(super) fn summary(values: &[f64]) -> Option<Summary> {
    let deviation = (values.len() > 1).then(|| values.std_dev());
    (!values.is_empty()).then(|| Summary { mean: values.mean(), deviation })
}

/// Student's test on the differences of pairs (Student 1908).
pub(super) fn paired(first: &[f64], second: &[f64]) -> Option<Paired> {
    let differences: Vec<_> = first.iter().zip(second).map(|(a, b)| b - a).collect();
    let Summary { mean, deviation } = summary(&differences)?;
    let n = differences.len();
    let p_value = deviation.filter(|deviation| *deviation > 0.0).and_then(|deviation| {
        let t = mean / (deviation / (n as f64).sqrt());
        let students = StudentsT::new(0.0, 1.0, n as f64 - 1.0).ok()?;
        Some(2.0 * students.cdf(-t.abs()))
    });
    Some(Paired { difference: mean, p_value, n })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_sample_by_hand() {
        let sample = summary(&[2.0, 4.0, 9.0]).unwrap();
        assert!((sample.mean - 5.0).abs() < 1e-12);
        assert!((sample.deviation.unwrap() - 13f64.sqrt()).abs() < 1e-12);
        assert_eq!(summary(&[7.0]).unwrap().deviation, None);
        assert_eq!(summary(&[]), None);
    }

    /// Student's own table of sleep, Biometrika 1908: t = 4.0621 with 9 degrees of freedom, p = 0.00283.
    #[test]
    fn students_sleep() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let paired = paired(&first, &second).unwrap();
        assert!((paired.difference - 1.58).abs() < 1e-12);
        assert!((paired.p_value.unwrap() - 0.00283).abs() < 1e-5, "{paired:?}");
    }

    #[test]
    fn pairs_that_differ_by_the_same_amount_have_no_p_value() {
        assert_eq!(paired(&[1.0, 2.0], &[2.0, 3.0]).unwrap().p_value, None);
        assert_eq!(paired(&[1.0], &[2.0]).unwrap().p_value, None);
        assert_eq!(paired(&[], &[]), None);
    }
}
