//! Whether two systems give the same probabilities.

use pipeline::TOLERANCE;
use run::argmax;

/// How the probabilities of a system compare with those of the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Agreement {
    pub(crate) n_images: usize,
    /// Images to which both give the same class.
    pub(crate) same_class: usize,
    /// Largest difference of a probability; 1 where one is not a number.
    pub(crate) largest_difference: f64,
}

impl Agreement {
    /// Whether all classes are the same, and rounding explains every difference.
    pub(crate) fn holds(&self) -> bool {
        self.same_class == self.n_images && self.largest_difference <= TOLERANCE
    }
}

/// Compares probabilities, `n * classes` each.
pub(crate) fn compare(expected: &[f32], found: &[f32], n_classes: usize) -> Agreement {
    let n_images = expected.len() / n_classes;
    let mut agreement = Agreement { n_images, same_class: 0, largest_difference: 0.0 };
    if found.len() != expected.len() {
        return Agreement { largest_difference: 1.0, ..agreement };
    }
    for (expected, found) in expected.chunks_exact(n_classes).zip(found.chunks_exact(n_classes)) {
        agreement.same_class += usize::from(argmax(expected) == argmax(found));
        for (&expected, &found) in expected.iter().zip(found) {
            let difference = (f64::from(expected) - f64::from(found)).abs();
            // `max` ignores NaN, which must not count as agreement.
            let difference = if difference.is_nan() { 1.0 } else { difference };
            agreement.largest_difference = agreement.largest_difference.max(difference);
        }
    }
    agreement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_agree_where_classes_and_probabilities_do() {
        let expected = [0.9, 0.1, 0.2, 0.8];
        let same = compare(&expected, &expected, 2);
        assert_eq!(same, Agreement { n_images: 2, same_class: 2, largest_difference: 0.0 });
        assert!(same.holds());
        let other_class = compare(&expected, &[0.9, 0.1, 0.8, 0.2], 2);
        assert_eq!(other_class.same_class, 1);
        assert!(!other_class.holds());
        let differs = compare(&expected, &[0.9, 0.1, 0.25, 0.75], 2);
        assert!((differs.largest_difference - 0.05).abs() < 1e-7 && !differs.holds());
        assert!(!compare(&expected, &[0.9, f32::NAN, 0.2, 0.8], 2).holds());
        assert!(!compare(&expected, &[0.9, 0.1], 2).holds());
    }
}
