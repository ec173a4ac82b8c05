//! Gradients of [`batch_norm()`](crate::batch_norm()) in training, where mean and variance are the input's own.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::batch_norm::{inverse_deviation, repeated, scales};
use crate::channel_sums::{ROWS, channel_sums};
use crate::isa::Isa;

/// The inputs of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormBackward<'a> {
    /// Factor of the normalised value, `[channels]`.
    pub gamma: &'a [f32],
    /// Mean of each channel of `x`, `[channels]`; see [`moments`](crate::moments).
    pub mean: &'a [f32],
    /// Variance of each channel of `x`, `[channels]`.
    pub variance: &'a [f32],
    /// Added to the variance, above 0.
    pub epsilon: f32,
    /// The input `[rows, channels]`.
    pub x: &'a [f32],
    /// The gradient of the output, `[rows, channels]`.
    pub dy: &'a [f32],
}

/// Gradients of batch normalisation on rayon's threads: `dx`, and as outputs those of `gamma` and of `beta`.
///
/// With `n` rows and `normal = (x - mean) / sqrt(variance + epsilon)`: `dbeta` is the sum of `dy`, `dgamma` the sum of
/// `dy * normal`, and `dx = gamma / sqrt(variance + epsilon) * (dy - dbeta / n - normal * dgamma / n)` (Ioffe and Szegedy
/// 2015, section 3, with the gradients through mean and variance substituted). Sums are computed in float64 and in a fixed
/// order, whatever the number of threads.
///
/// # Shapes
/// - `dx`: `[rows, channels]`; its previous content is overwritten
/// - outputs: `[channels]` each
///
/// # Panics
/// If the lengths do not match, or there is no channel.
#[must_use]
pub fn batch_norm_backward(
    isa: Isa,
    layer: BatchNormBackward,
    dx: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let BatchNormBackward { gamma, mean, variance, x, dy, .. } = layer;
    let channels = gamma.len();
    assert_eq!([mean.len(), variance.len()], [channels; 2]);
    assert_eq!(x.len() % channels, 0);
    assert_eq!([dy.len(), dx.len()], [x.len(); 2]);
    let sums = channel_sums(isa, dy, x, mean);
    let Solved { dgamma, dbeta, constants } = solve(layer, x.len() / channels, sums);
    let constants = constants.each_ref().map(|constants| &constants[..]);
    let inputs = x.par_chunks(ROWS * channels).zip(dy.par_chunks(ROWS * channels));
    dx.par_chunks_mut(ROWS * channels)
        .zip(inputs)
        .for_each(|(dx, (x, dy))| isa.run(Backward { constants, x, dy, dx }));
    (dgamma, dbeta)
}

/// What the sums over all rows give.
pub(crate) struct Solved {
    pub(crate) dgamma: Vec<f32>,
    pub(crate) dbeta: Vec<f32>,
    /// Of [`Backward`].
    pub(crate) constants: [Vec<f32>; 4],
}

/// From the sums of `dy` and of `dy * (x - mean)` over so many rows.
pub(crate) fn solve(
    layer: BatchNormBackward,
    rows: usize,
    [sums, products]: [Vec<f64>; 2],
) -> Solved {
    let BatchNormBackward { gamma, mean, variance, epsilon, .. } = layer;
    let rows = rows as f64;
    let inverse: Vec<f64> = variance.iter().map(|&v| inverse_deviation(v, epsilon)).collect();
    let dbeta = sums.iter().map(|sum| *sum as f32).collect();
    let dgamma = products.iter().zip(&inverse).map(|(sum, inverse)| (sum * inverse) as f32);
    let dgamma = dgamma.collect();
    let level: Vec<f32> = sums.iter().map(|sum| (sum / rows) as f32).collect();
    let slope = products.iter().zip(&inverse);
    let slope: Vec<f32> = slope.map(|(sum, i)| (sum * i * i / rows) as f32).collect();
    let scale = scales(gamma, variance, epsilon);
    Solved { dgamma, dbeta, constants: [mean, &scale, &level, &slope].map(repeated) }
}

pub(crate) struct Backward<'a> {
    /// The mean of `x`, the common factor, the mean of `dy`, and its slope over `x`, each [`repeated`].
    pub(crate) constants: [&'a [f32]; 4],
    pub(crate) x: &'a [f32],
    pub(crate) dy: &'a [f32],
    pub(crate) dx: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { constants: [mean, scale, level, slope], x, dy, dx } = self;
        let period = mean.len();
        let inputs = x.chunks(period).zip(dy.chunks(period));
        for (dx, (x, dy)) in dx.chunks_mut(period).zip(inputs) {
            let of_x = x.iter().zip(mean).zip(slope);
            let of_dy = dy.iter().zip(level).zip(scale);
            for ((dx, ((&x, &mean), &slope)), ((&dy, &level), &scale)) in
                dx.iter_mut().zip(of_x).zip(of_dy)
            {
                *dx = scale * (dy - level - (x - mean) * slope);
            }
        }
    }
}
