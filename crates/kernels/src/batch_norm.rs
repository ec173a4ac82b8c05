//! Batch normalisation, forward: the channels' moments, and the affine function of training and inference.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::channel_sums::{ROWS, channel_sums};
use crate::isa::Isa;

/// The constants of a row are repeated to about so many numbers: a loop over a row of 16 channels would be mostly
/// overhead.
const PERIOD: usize = 512;

/// Mean and variance of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// `[channels]`
    pub mean: Vec<f32>,
    /// The mean squared deviation from the mean (divided by the number of rows, not by one less), `[channels]`; at
    /// least 0.
    pub variance: Vec<f32>,
}

/// Batch normalisation (Ioffe and Szegedy 2015).
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Factor of the normalised value, `[channels]`.
    pub gamma: &'a [f32],
    /// Offset added after it, `[channels]`.
    pub beta: &'a [f32],
    /// Mean of each channel, `[channels]`: the batch's in training, the running average in inference.
    pub mean: &'a [f32],
    /// Variance of each channel, `[channels]`, likewise.
    pub variance: &'a [f32],
    /// Added to the variance, above 0.
    pub epsilon: f32,
}

/// Mean and variance of each channel over all rows (such as pixels), on rayon's threads.
///
/// Sums are computed in float64 and in a fixed order, whatever the number of threads. A channel with a number that is
/// not finite has a variance of NaN.
///
/// # Shapes
/// - `x`: `[rows, channels]`
///
/// # Panics
/// If there is no row or no channel, or `x` is not whole rows.
#[must_use]
pub fn moments(isa: Isa, channels: usize, x: &[f32]) -> Moments {
    assert!(channels > 0 && !x.is_empty());
    assert_eq!(x.len() % channels, 0);
    moments_over(isa, channels, x.len() / channels, x)
}

/// [`moments`] over so many rows: those that `x` lacks are zeros.
pub(crate) fn moments_over(isa: Isa, channels: usize, rows: usize, x: &[f32]) -> Moments {
    let rows = rows as f64;
    let [sums, squares] = channel_sums(isa, x, x, &vec![0.0; channels]);
    let variance = sums.iter().zip(squares).map(|(sum, square)| {
        let variance = square / rows - (sum / rows).powi(2);
        // Rounding could make that of a constant negative. Not `max`, which would turn NaN into 0.
        if variance < 0.0 { 0.0 } else { variance as f32 }
    });
    let variance = variance.collect();
    Moments { mean: sums.iter().map(|sum| (sum / rows) as f32).collect(), variance }
}

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` of any number of rows, on rayon's threads.
///
/// A row's output is the same to the last bit whatever else is in the batch, given mean and variance.
///
/// # Shapes
/// - `x`, `y`: `[rows, channels]`
///
/// # Panics
/// If the lengths do not match, or there is no channel.
pub fn batch_norm(isa: Isa, layer: BatchNorm, x: &[f32], y: &mut [f32]) {
    let BatchNorm { gamma, beta, mean, variance, epsilon } = layer;
    let channels = gamma.len();
    assert_eq!([beta.len(), mean.len(), variance.len()], [channels; 3]);
    assert_eq!(x.len() % channels, 0);
    assert_eq!(x.len(), y.len());
    let scale = scales(gamma, variance, epsilon);
    let [mean, scale, beta] = [mean, &scale, beta].map(repeated);
    let [mean, scale, beta] = [&mean[..], &scale[..], &beta[..]];
    x.par_chunks(ROWS * channels)
        .zip(y.par_chunks_mut(ROWS * channels))
        .for_each(|(x, y)| isa.run(Forward { mean, scale, beta, x, y }));
}

/// `1 / sqrt(variance + epsilon)`, in float64.
pub(crate) fn inverse_deviation(variance: f32, epsilon: f32) -> f64 {
    1.0 / (f64::from(variance) + f64::from(epsilon)).sqrt()
}

/// `gamma / sqrt(variance + epsilon)` of each channel, rounded once.
pub(crate) fn scales(gamma: &[f32], variance: &[f32], epsilon: f32) -> Vec<f32> {
    let channels = gamma.iter().zip(variance);
    channels
        .map(|(&gamma, &variance)| (f64::from(gamma) * inverse_deviation(variance, epsilon)) as f32)
        .collect()
}

/// One row of constants repeated to [`PERIOD`] numbers or a few more.
pub(crate) fn repeated(channels: &[f32]) -> Vec<f32> {
    channels.repeat(PERIOD.div_ceil(channels.len()))
}

/// Constants are [`repeated`].
pub(crate) struct Forward<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { mean, scale, beta, x, y } = self;
        for (x, y) in x.chunks(mean.len()).zip(y.chunks_mut(mean.len())) {
            let constants = mean.iter().zip(scale).zip(beta);
            for ((y, &x), ((&mean, &scale), &beta)) in y.iter_mut().zip(x).zip(constants) {
                *y = (x - mean) * scale + beta;
            }
        }
    }
}
