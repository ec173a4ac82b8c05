//! A dense layer that skips zeros, forward.
//!
//! After ReLU, pooling and dropout half of the inputs are zero, so half of the products can be skipped and, for a
//! single image, half of the weights need not be read.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{self, vectors};
use crate::isa::Isa;

/// Inputs whose weights stay in the first-level cache (16 KB for 128 outputs) while all rows of a task read them, and
/// whose zeros are marked by one bit each.
const INPUTS: usize = u32::BITS as usize;
/// Rows of a task: each task reads all weights once.
const ROWS: usize = 32;
/// Vectors of outputs that are summed at once: an addition takes four cycles and two can start in each.
const COLUMNS: usize = 8;

/// Weights and biases of a dense layer.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// `[n_in, n_out]`
    pub weights: &'a [f32],
    /// `[n_out]`
    pub bias: &'a [f32],
    /// Whether all weights are finite, see [`all_finite`]; only then may zeros be skipped.
    pub finite: bool,
}

/// Whether no number of `values` is infinite or NaN.
#[must_use]
pub fn all_finite(isa: Isa, values: &[f32]) -> bool {
    struct Op<'a>(&'a [f32]);
    impl WithSimd for Op<'_> {
        type Output = bool;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> bool {
            buffer::all_finite(simd, self.0)
        }
    }
    /// Numbers of a task: a quarter of a second-level cache.
    const CHUNK: usize = 1 << 16;
    if values.len() <= CHUNK {
        isa.run(Op(values))
    } else {
        values.par_chunks(CHUNK).all(|values| isa.run(Op(values)))
    }
}

/// `x * weights + bias`, and ReLU where `relu` is set, of any number of rows, on rayon's threads.
///
/// A row's output is the same to the last bit whatever else is in the batch.
///
/// # Shapes
/// - `x`: `[n, n_in]`, `y`: `[n, n_out]`
///
/// # Panics
/// If the lengths do not match.
pub fn dense(isa: Isa, layer: Dense, relu: bool, x: &[f32], y: &mut [f32]) {
    let n_out = layer.bias.len();
    let n_in = layer.weights.len() / n_out;
    let n = x.len() / n_in;
    assert_eq!([layer.weights.len(), x.len(), y.len()], [n_in * n_out, n * n_in, n * n_out]);
    if n <= 1 {
        isa.run(Forward { layer, relu, x, y });
    } else {
        x.par_chunks(ROWS * n_in)
            .zip(y.par_chunks_mut(ROWS * n_out))
            .for_each(|(x, y)| isa.run(Forward { layer, relu, x, y }));
    }
}

struct Forward<'a> {
    layer: Dense<'a>,
    relu: bool,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer, relu, x, y } = self;
        let n_out = layer.bias.len();
        let n_in = layer.weights.len() / n_out;
        for y in y.chunks_exact_mut(n_out) {
            y.copy_from_slice(layer.bias);
        }
        let mut lines = vec![0.0; x.len() / n_in * INPUTS];
        for first in (0..n_in).step_by(INPUTS) {
            let inputs = INPUTS.min(n_in - first);
            let weights = &layer.weights[first * n_out..][..inputs * n_out];
            // The rows' numbers of a block are far apart: copied at once, they are fetched in parallel.
            for (x, line) in x.chunks_exact(n_in).zip(lines.chunks_exact_mut(INPUTS)) {
                line[..inputs].copy_from_slice(&x[first..][..inputs]);
            }
            let (lines, _) = lines.as_chunks::<INPUTS>();
            for (line, y) in lines.iter().zip(y.chunks_exact_mut(n_out)) {
                let live = if layer.finite { not_zero(line) } else { u32::MAX };
                add_rows(simd, line, live & (u32::MAX >> (INPUTS - inputs)), weights, y);
            }
        }
        if relu {
            for y in y.iter_mut() {
                // Not `max`, which would turn NaN into 0.
                *y = if *y <= 0.0 { 0.0 } else { *y };
            }
        }
    }
}

/// Which numbers are not 0, one bit each.
#[inline(always)]
fn not_zero(line: &[f32; INPUTS]) -> u32 {
    line.iter().enumerate().fold(0, |bits, (i, &x)| bits | u32::from(x != 0.0) << i)
}

/// `y += x * weights` over the inputs that are `live`, in their order.
#[inline(always)]
fn add_rows<S: Simd>(simd: S, x: &[f32; INPUTS], live: u32, weights: &[f32], y: &mut [f32]) {
    let n_out = y.len();
    let block = COLUMNS * S::F32_LANES;
    let whole = n_out - n_out % block;
    for first in (0..whole).step_by(block) {
        let y = buffer::vectors_mut(simd, &mut y[first..][..block]);
        let mut sums = [simd.splat_f32s(0.0); COLUMNS];
        sums.copy_from_slice(y);
        let mut live = live;
        while live != 0 {
            let at = live.trailing_zeros() as usize;
            live &= live - 1;
            let x = simd.splat_f32s(x[at]);
            let row = vectors(simd, &weights[at * n_out + first..][..block]);
            for (sum, &weight) in sums.iter_mut().zip(row) {
                *sum = simd.mul_add_f32s(x, weight, *sum);
            }
        }
        y.copy_from_slice(&sums);
    }
    let rest = &mut y[whole..];
    let mut live = if rest.is_empty() { 0 } else { live };
    while live != 0 {
        let at = live.trailing_zeros() as usize;
        live &= live - 1;
        let row = &weights[at * n_out + whole..][..n_out - whole];
        rest.iter_mut().zip(row).for_each(|(y, weight)| *y += x[at] * weight);
    }
}
