//! Filters in the order in which gradients of images read them.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{Buffer, all_finite, zeros};
use crate::gradients::padded;
use crate::isa::Isa;
use crate::shape::Shape;

/// Filters `[channels_out, channels_in, 3, 3]`, row by row of the window, with adjacent input channels.
pub(crate) struct FilterRows {
    /// `[3, channels_out, 3, pixel]`
    pub(crate) filters: Buffer,
    /// Input channels, padded.
    pub(crate) pixel: usize,
    /// Whether no weight is infinite or NaN.
    pub(crate) finite: bool,
}

impl FilterRows {
    pub(crate) fn new(isa: Isa, shape: Shape, weights: &[f32]) -> Self {
        let (pixel, finite) = isa.run(Look { shape, weights });
        let mut filters = zeros(shape.channels_out * 9 * pixel);
        filters.par_chunks_exact_mut(3 * pixel).enumerate().for_each(|(at, filter)| {
            let (row, o) = (at / shape.channels_out, at % shape.channels_out);
            let weights = &weights[9 * o * shape.channels_in..][..9 * shape.channels_in];
            for (i, taps) in weights.chunks_exact(9).enumerate() {
                (0..3).for_each(|column| filter[column * pixel + i] = taps[3 * row + column]);
            }
        });
        Self { filters, pixel, finite }
    }
}

/// What depends on the vector instructions.
struct Look<'a> {
    shape: Shape,
    weights: &'a [f32],
}

impl WithSimd for Look<'_> {
    type Output = (usize, bool);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        (padded::<S>(self.shape.channels_in), all_finite(simd, self.weights))
    }
}
