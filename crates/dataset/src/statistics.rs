//! Mean and standard deviation of the grey levels.

use crate::PIXELS;
use crate::error::{Error, Result};
use crate::examples::Examples;

/// Mean and spread of all grey levels of some pictures, in grey levels from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Mean, in [0, 255].
    pub mean: f64,
    /// Population standard deviation (ddof 0), in [0, 127.5]. It is 0 if every pixel is the same,
    /// so whoever divides by it must add a small number.
    pub std: f64,
}

/// Mean and standard deviation over all pixels of the pictures at `indices` together.
///
/// The sums are whole numbers, so the result depends neither on the order of the indices nor on
/// rounding. Pass the training part alone: statistics of other pictures would leak into training.
///
/// # Errors
/// [`Error::NoPictures`] if `indices` is empty.
///
/// # Panics
/// If an index is not below `examples.len()`.
pub fn statistics(examples: &Examples, indices: &[u32]) -> Result<Statistics> {
    if indices.is_empty() {
        return Err(Error::NoPictures);
    }
    // A u64 of squares lasts for 3e11 pictures.
    let (mut sum, mut squares) = (0u64, 0u64);
    for &index in indices {
        for &level in examples.image(index as usize) {
            sum += u64::from(level);
            squares += u64::from(level) * u64::from(level);
        }
    }
    let n = (indices.len() * PIXELS) as u64;
    let variance = u128::from(n) * u128::from(squares) - u128::from(sum) * u128::from(sum);
    let n = n as f64;
    Ok(Statistics { mean: sum as f64 / n, std: (variance as f64).sqrt() / n })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn examples() -> Examples {
        let pixels = [[0; PIXELS], [255; PIXELS], [7; PIXELS]].concat();
        Examples { pixels, labels: vec![0, 1, 2] }
    }

    #[test]
    fn a_case_done_by_hand() {
        let half = statistics(&examples(), &[0, 1]).unwrap();
        assert_eq!(half, Statistics { mean: 127.5, std: 127.5 });
        let third = statistics(&examples(), &[1, 0, 0]).unwrap();
        assert!((third.mean - 85.0).abs() < 1e-12);
        assert!((third.std - 255.0 * 2f64.sqrt() / 3.0).abs() < 1e-12);
    }

    #[test]
    fn only_the_given_indices_count() {
        let only = statistics(&examples(), &[2]).unwrap();
        assert_eq!(only, Statistics { mean: 7.0, std: 0.0 });
    }

    #[test]
    fn no_pictures_have_no_statistics() {
        assert!(matches!(statistics(&examples(), &[]), Err(Error::NoPictures)));
    }
}
