//! Mean and standard deviation of the pixels.

use images::Background;

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

/// Images that are looked at for their background: the share of 95 % is then known to 1.4 points.
const SAMPLE: usize = 1_000;

/// The background that at least 95 % of the images at `indices` have, by a sample of 1,000 spread over them; `None` where
/// there is no such background.
///
/// # Panics
/// If an index is not below `examples.len()`.
#[must_use]
pub fn background(examples: &Examples, indices: &[u32]) -> Option<Background> {
    let n = indices.len().min(SAMPLE);
    let sample = (0..n).map(|i| indices[i * indices.len() / n] as usize);
    let found: Vec<_> =
        sample.map(|index| Background::of(examples.image(index), examples.shape)).collect();
    Background::ALL.into_iter().find(|&background| {
        let count = found.iter().filter(|&&found| found == Some(background)).count();
        n > 0 && count * 100 >= n * 95
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
    fn a_background_is_that_of_95_images_in_100() {
        let shape = ImageShape { channels: 1, height: 4, width: 4 };
        let images = |n_dark: usize| Examples {
            shape,
            pixels: [vec![9; 16 * n_dark], vec![99; 16 * (100 - n_dark)]].concat(),
            labels: vec![0; 100],
        };
        let all: Vec<u32> = (0..100).collect();
        assert_eq!(background(&images(95), &all), Some(Background::Dark));
        assert_eq!(background(&images(94), &all), None);
        assert_eq!(background(&images(94), &all[..94]), Some(Background::Dark));
        assert_eq!(background(&images(94), &[]), None);
        assert_eq!(background(&examples(), &[0, 1]), None, "in colour");
    }

    #[test]
    fn no_images_have_no_statistics() {
        assert!(matches!(statistics(&examples(), &[]), Err(Error::NoImages)));
    }
}
