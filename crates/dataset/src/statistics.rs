//! Mean and standard deviation of the pixels.

use crate::error::{Error, Result};
use crate::examples::Examples;

/// Mean and standard deviation of each channel over some images.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// Means, in [0, 255].
    pub mean: Vec<f64>,
    /// Population standard deviations (ddof 0), in [0, 127.5]. One is 0 if every pixel of its channel is the same, so
    /// add a small number before dividing by it.
    pub std: Vec<f64>,
}

/// Mean and standard deviation of each channel over the images at `indices`.
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
    let channels = examples.shape.channels;
    let plane = examples.shape.size() / channels;
    // The squares of 2.8e14 bytes fit a u64.
    let mut sums = vec![(0_u64, 0_u64); channels];
    for &index in indices {
        let planes = examples.image(index as usize).chunks_exact(plane);
        for ((sum, squares), levels) in sums.iter_mut().zip(planes) {
            for &level in levels {
                *sum += u64::from(level);
                *squares += u64::from(level) * u64::from(level);
            }
        }
    }
    let n = (indices.len() * plane) as u64;
    let std = |&(sum, squares): &(u64, u64)| {
        let variance = u128::from(n) * u128::from(squares) - u128::from(sum) * u128::from(sum);
        (variance as f64).sqrt() / n as f64
    };
    Ok(Statistics {
        mean: sums.iter().map(|(sum, _)| *sum as f64 / n as f64).collect(),
        std: sums.iter().map(std).collect(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use images::ImageShape;

    use super::*;

    fn examples() -> Examples {
        let shape = ImageShape { channels: 3, height: 2, width: 5 };
        let black_and_red = [vec![0; 30], vec![255; 10], vec![0; 20]].concat();
        Examples { shape, pixels: [black_and_red, vec![7; 30]].concat(), labels: vec![0, 1, 2] }
    }

    #[test]
    fn a_case_computed_by_hand() {
        let half = statistics(&examples(), &[0, 1]).unwrap();
        assert_eq!(half, Statistics { mean: vec![127.5, 0.0, 0.0], std: vec![127.5, 0.0, 0.0] });
        let third = statistics(&examples(), &[1, 0, 0]).unwrap();
        assert!((third.mean[0] - 85.0).abs() < 1e-12);
        assert!((third.std[0] - 255.0 * 2f64.sqrt() / 3.0).abs() < 1e-12);
    }

    #[test]
    fn only_the_given_indices_count() {
        let only = statistics(&examples(), &[2]).unwrap();
        assert_eq!(only, Statistics { mean: vec![7.0; 3], std: vec![0.0; 3] });
    }

    #[test]
    fn no_images_have_no_statistics() {
        assert!(matches!(statistics(&examples(), &[]), Err(Error::NoImages)));
    }
}
