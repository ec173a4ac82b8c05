//! Batch normalisation of images with a border of zeros, one pixel wide: as [`batch_norm()`](crate::batch_norm()) after
//! padding, without the padded copy.
//!
//! The border takes part in the moments, and normalised it is one number for each channel, usually not 0.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::batch_norm::{BatchNorm, Forward, Moments, moments_over, repeated, scales};
use crate::batch_norm_backward::{Backward, BatchNormBackward, Solved, solve};
use crate::channel_sums::{Sums, add, in_order};
use crate::isa::Isa;

/// [`moments`](crate::moments) of images with their borders.
///
/// # Shapes
/// - `x`: `[n, height, width, channels]`, without the borders
///
/// # Panics
/// If there is no image or no channel, or `x` is not whole images.
#[must_use]
pub fn bordered_moments(isa: Isa, channels: usize, sides: [usize; 2], x: &[f32]) -> Moments {
    let [height, width] = sides;
    assert!(channels > 0 && !x.is_empty());
    assert_eq!(x.len() % (height * width * channels), 0);
    let images = x.len() / (height * width * channels);
    moments_over(isa, channels, images * (height + 2) * (width + 2), x)
}

/// [`batch_norm()`](crate::batch_norm()) of images with their borders, on rayon's threads.
///
/// # Shapes
/// - `x`: `[n, height, width, channels]`, `y`: `[n, height + 2, width + 2, channels]`
///
/// # Panics
/// If the lengths do not match, or there is no channel.
pub fn bordered_batch_norm(
    isa: Isa,
    layer: BatchNorm,
    [height, width]: [usize; 2],
    x: &[f32],
    y: &mut [f32],
) {
    let BatchNorm { gamma, beta, mean, variance, epsilon } = layer;
    let channels = gamma.len();
    let (line, row) = (width * channels, (width + 2) * channels);
    assert_eq!([beta.len(), mean.len(), variance.len()], [channels; 3]);
    assert_eq!(x.len() % (height * line), 0);
    assert_eq!(y.len(), x.len() / (height * line) * (height + 2) * row);
    let scale = scales(gamma, variance, epsilon);
    let [mean, scale, beta] = [mean, &scale, beta].map(repeated);
    let [mean, scale, beta] = [&mean[..], &scale[..], &beta[..]];
    let mut border = vec![0.0; row];
    isa.run(Forward { mean, scale, beta, x: &vec![0.0; row], y: &mut border });
    let images = y.par_chunks_exact_mut((height + 2) * row).zip(x.par_chunks_exact(height * line));
    images.for_each(|(y, x)| {
        y[..row].copy_from_slice(&border);
        y[(height + 1) * row..].copy_from_slice(&border);
        for (y, x) in y[row..].chunks_exact_mut(row).zip(x.chunks_exact(line)) {
            y[..channels].copy_from_slice(&border[..channels]);
            y[row - channels..].copy_from_slice(&border[..channels]);
            isa.run(Forward { mean, scale, beta, x, y: &mut y[channels..row - channels] });
        }
    });
}

/// [`batch_norm_backward()`](crate::batch_norm_backward()) of images with their borders, on rayon's threads: `dx`, and as
/// outputs the gradients of `gamma` and of `beta`.
///
/// Sums are computed in float64 and in a fixed order, whatever the number of threads.
///
/// # Shapes
/// - `x` of the layer: `[n, height, width, channels]`, its `dy`: `[n, height + 2, width + 2, channels]`
/// - `dx`: `[n, height, width, channels]`; its previous content is overwritten
/// - outputs: `[channels]` each
///
/// # Panics
/// If the lengths do not match, or there is no channel.
#[must_use]
pub fn bordered_batch_norm_backward(
    isa: Isa,
    layer: BatchNormBackward,
    [height, width]: [usize; 2],
    dx: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let BatchNormBackward { gamma, mean, variance, x, dy, .. } = layer;
    let channels = gamma.len();
    let (line, row) = (width * channels, (width + 2) * channels);
    assert_eq!([mean.len(), variance.len()], [channels; 2]);
    assert_eq!(x.len() % (height * line), 0);
    let images = x.len() / (height * line);
    assert_eq!([dy.len(), dx.len()], [images * (height + 2) * row, x.len()]);
    let zeros = &vec![0.0; row][..];
    let partial = x.par_chunks_exact(height * line).zip(dy.par_chunks_exact((height + 2) * row));
    let partial = partial.map(|(x, dy)| isa.run(ImageSums { zeros, line, x, dy, mean })).collect();
    let rows = images * (height + 2) * (width + 2);
    let Solved { dgamma, dbeta, constants } = solve(layer, rows, in_order(channels, partial));
    let constants = constants.each_ref().map(|constants| &constants[..]);
    let inputs = x.par_chunks_exact(height * line).zip(dy.par_chunks_exact((height + 2) * row));
    dx.par_chunks_exact_mut(height * line).zip(inputs).for_each(|(dx, (x, dy))| {
        let rows = x.chunks_exact(line).zip(dy[row..].chunks_exact(row));
        for (dx, (x, dy)) in dx.chunks_exact_mut(line).zip(rows) {
            isa.run(Backward { constants, x, dy: &dy[channels..row - channels], dx });
        }
    });
    (dgamma, dbeta)
}

/// The sums of one image and its border.
struct ImageSums<'a> {
    /// A row of the border.
    zeros: &'a [f32],
    /// Numbers of a row without its border.
    line: usize,
    x: &'a [f32],
    dy: &'a [f32],
    mean: &'a [f32],
}

impl WithSimd for ImageSums<'_> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Self::Output {
        let Self { zeros, line, x, dy, mean: shift } = self;
        let (channels, row) = (shift.len(), zeros.len());
        let mut sums = [vec![0.0; channels], vec![0.0; channels]];
        let (top, rest) = dy.split_at(row);
        let (inside, bottom) = rest.split_at(rest.len() - row);
        for border in [top, bottom] {
            add(&Sums { a: border, b: zeros, shift }, &mut sums);
        }
        for (dy, x) in inside.chunks_exact(row).zip(x.chunks_exact(line)) {
            let (left, rest) = dy.split_at(channels);
            let (dy, right) = rest.split_at(line);
            add(&Sums { a: left, b: &zeros[..channels], shift }, &mut sums);
            add(&Sums { a: dy, b: x, shift }, &mut sums);
            add(&Sums { a: right, b: &zeros[..channels], shift }, &mut sums);
        }
        sums
    }
}
