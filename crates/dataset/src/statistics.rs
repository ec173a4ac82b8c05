//! Mean and standard deviation of the pixels.

use crate::error::{Error, Result};
use crate::examples::Examples;

/// Mean and standard deviation over all values of some images, all channels together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Mean, in [0, 255].
    pub mean: f64,
    /// Population standard deviation (ddof 0), in [0, 127.5]. It is 0 if every pixel is the same,
    /// so add a small number before dividing by it.
    pub std: f64,
}

/// Mean and standard deviation over all values of the images at `indices`.
///
/// The sums are integers, so the result does not depend on the order of the indices. Pass the training images only:
/// statistics of validation or test images would leak into training.
///
/// # Errors
/// [`Error::NoImages`] if `indices` is empty.
///
/// # Panics
/// If an index is not below `examples.len()`.
pub fn statistics(examples: &Examples, indices: &[u32]) -> Result<Statistics> {
    if indices.is_empty() {
        return Err(Error::NoImages);
    }
    // The squares of 2.8e14 bytes fit a u64.
    let (mut sum, mut squares) = (0u64, 0u64);
    for &index in indices {
        for &level in examples.image(index as usize) {
            sum += u64::from(level);
            squares += u64::from(level) * u64::from(level);
        }
    }
    let n = (indices.len() * examples.shape.size()) as u64;
    let variance = u128::from(n) * u128::from(squares) - u128::from(sum) * u128::from(sum);
    let n = n as f64;
    Ok(Statistics { mean: sum as f64 / n, std: (variance as f64).sqrt() / n })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use images::ImageShape;

    use super::*;

    fn examples() -> Examples {
        let shape = ImageShape { channels: 3, height: 2, width: 5 };
        let pixels = [[0; 30], [255; 30], [7; 30]].concat();
        Examples { shape, pixels, labels: vec![0, 1, 2] }
    }

    #[test]
    fn a_case_computed_by_hand() {
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
    fn no_images_have_no_statistics() {
        assert!(matches!(statistics(&examples(), &[]), Err(Error::NoImages)));
    }
}
