//! Gradients of a dense layer with ReLU, skipping zeros.
//!
//! After ReLU and dropout about a fifth of the outputs has a gradient. Both products run over those alone: for each
//! such output and row, a line of inputs. The lines have to be contiguous, so weights and their gradient are transposed
//! block by block.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{all_finite, vectors, vectors_mut, zeros};
use crate::isa::Isa;
use crate::transpose::{Matrix, transpose};

/// Inputs of a block: their numbers for 128 outputs or 128 rows fill a first-level cache (32 KB).
const INPUTS: usize = 64;
/// Vectors of inputs that are summed at once.
const COLUMNS: usize = 4;
/// Rows of a task that writes gradients of the input; each task transposes all weights.
const ROWS: usize = 64;

/// The inputs of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct DenseBackward<'a> {
    /// `[n_in, n_out]`
    pub weights: &'a [f32],
    /// The input `[n, n_in]`.
    pub x: &'a [f32],
    /// The gradient of the layer's output before ReLU, `[n, n_out]`; see [`relu_backward`].
    pub dy: &'a [f32],
    /// Outputs of the layer, at least 1.
    pub n_out: usize,
}

/// The gradient before ReLU: `dy` where the output `y` is not 0, else 0.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn relu_backward(y: &[f32], dy: &[f32]) -> Vec<f32> {
    assert_eq!(y.len(), dy.len());
    y.iter().zip(dy).map(|(&y, &dy)| if y == 0.0 { 0.0 } else { dy }).collect()
}

/// Gradients of a dense layer on rayon's threads; the rows are summed in order.
///
/// # Shapes
/// - `dx`: `[n, n_in]`; its previous content is overwritten
/// - `dw`: `[n_in, n_out]`; its previous content is overwritten
/// - output: gradient of the biases, `[n_out]`
///
/// # Panics
/// If the lengths do not match.
#[must_use]
pub fn dense_backward(isa: Isa, layer: DenseBackward, dx: &mut [f32], dw: &mut [f32]) -> Vec<f32> {
    let DenseBackward { weights, x, dy, n_out } = layer;
    let n_in = weights.len() / n_out;
    let n = x.len() / n_in;
    assert_eq!([weights.len(), dw.len()], [n_in * n_out; 2]);
    assert_eq!([x.len(), dx.len(), dy.len()], [n * n_in, n * n_in, n * n_out]);
    let by_row = Lists::of_rows(dy, n_out);
    let by_output = Lists::of_columns(dy, n_out);
    dw.par_chunks_mut(INPUTS * n_out).enumerate().for_each(|(block, dw)| {
        isa.run(OfWeights { isa, layer, lists: &by_output, first: block * INPUTS, dw });
    });
    dx.par_chunks_mut(ROWS * n_in).enumerate().for_each(|(task, dx)| {
        isa.run(OfInputs { isa, layer, lists: &by_row, first: task * ROWS, dx });
    });
    let mut db = vec![0.0; n_out];
    for dy in dy.chunks_exact(n_out) {
        db.iter_mut().zip(dy).for_each(|(db, dy)| *db += dy);
    }
    db
}

/// The gradients that are not 0, row by row or column by column.
struct Lists {
    entries: Vec<(u32, f32)>,
    /// Where each list begins, and where the last one ends.
    starts: Vec<usize>,
}

impl Lists {
    fn of_rows(dy: &[f32], n_out: usize) -> Self {
        Self::new(dy.len(), dy.chunks_exact(n_out).map(|row| row.iter().copied()))
    }

    fn of_columns(dy: &[f32], n_out: usize) -> Self {
        Self::new(dy.len(), (0..n_out).map(|column| dy.iter().skip(column).step_by(n_out).copied()))
    }

    fn new(numbers: usize, lines: impl Iterator<Item = impl Iterator<Item = f32>>) -> Self {
        let (mut entries, mut starts) = (vec![(0, 0.0); numbers], vec![0]);
        let mut end = 0;
        for line in lines {
            for (at, dy) in line.enumerate() {
                // Always written, and overwritten by the next where it is 0: no CPU would predict a branch.
                entries[end] = (at as u32, dy);
                end += usize::from(dy != 0.0);
            }
            starts.push(end);
        }
        Self { entries, starts }
    }

    fn line(&self, number: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[number]..self.starts[number + 1]]
    }
}

/// The gradient of some inputs' weights: for each output, a line of them.
struct OfWeights<'a> {
    isa: Isa,
    layer: DenseBackward<'a>,
    lists: &'a Lists,
    first: usize,
    dw: &'a mut [f32],
}

impl WithSimd for OfWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { isa, layer: DenseBackward { weights, x, dy, n_out }, lists, first, dw } = self;
        let (n_in, inputs) = (weights.len() / n_out, dw.len() / n_out);
        let rows = x.len() / n_in;
        // A copy, since rows of x can be a multiple of 4,096 bytes apart, and would compete for few places in the
        // cache.
        let mut lines = zeros(rows * INPUTS);
        for (x, line) in x.chunks_exact(n_in).zip(lines.chunks_exact_mut(INPUTS)) {
            line[..inputs].copy_from_slice(&x[first..][..inputs]);
        }
        let mut transposed = zeros(n_out * INPUTS);
        if all_finite(simd, &lines) {
            for (output, line) in transposed.chunks_exact_mut(INPUTS).enumerate() {
                add_lines(simd, lists.line(output), &lines, line);
            }
        } else {
            for (dy, x) in dy.chunks_exact(n_out).zip(lines.chunks_exact(INPUTS)) {
                for (dy, line) in dy.iter().zip(transposed.chunks_exact_mut(INPUTS)) {
                    line.iter_mut().zip(x).for_each(|(dw, x)| *dw += dy * x);
                }
            }
        }
        let matrix = Matrix { rows: n_out, columns: inputs, stride: INPUTS };
        transpose(isa, matrix, &transposed, dw, n_out);
    }
}

/// The gradient of some rows of the input: for each, lines of weights.
struct OfInputs<'a> {
    isa: Isa,
    layer: DenseBackward<'a>,
    lists: &'a Lists,
    first: usize,
    dx: &'a mut [f32],
}

impl WithSimd for OfInputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { isa, layer: DenseBackward { weights, dy, n_out, .. }, lists, first, dx } = self;
        let n_in = weights.len() / n_out;
        let mut lines = zeros(n_out * INPUTS);
        let mut sums = zeros(INPUTS);
        for start in (0..n_in).step_by(INPUTS) {
            let inputs = INPUTS.min(n_in - start);
            let weights = &weights[start * n_out..][..inputs * n_out];
            let matrix = Matrix { rows: inputs, columns: n_out, stride: n_out };
            transpose(isa, matrix, weights, &mut lines, INPUTS);
            let finite = all_finite(simd, weights);
            for (row, dx) in dx.chunks_exact_mut(n_in).enumerate() {
                sums.fill(0.0);
                if finite {
                    add_lines(simd, lists.line(first + row), &lines, &mut sums);
                } else {
                    let dy = &dy[(first + row) * n_out..][..n_out];
                    for (dy, line) in dy.iter().zip(lines.chunks_exact(INPUTS)) {
                        sums.iter_mut().zip(line).for_each(|(dx, weight)| *dx += dy * weight);
                    }
                }
                dx[start..][..inputs].copy_from_slice(&sums[..inputs]);
            }
        }
    }
}

/// Adds the listed lines, each times its factor, to `sum`.
#[inline(always)]
fn add_lines<S: Simd>(simd: S, list: &[(u32, f32)], lines: &[f32], sum: &mut [f32]) {
    let block = COLUMNS * S::F32_LANES;
    for first in (0..INPUTS).step_by(block) {
        let sum = vectors_mut(simd, &mut sum[first..][..block]);
        let mut sums = [simd.splat_f32s(0.0); COLUMNS];
        sums.copy_from_slice(sum);
        for &(at, factor) in list {
            let factor = simd.splat_f32s(factor);
            let line = vectors(simd, &lines[at as usize * INPUTS + first..][..block]);
            for (sum, &value) in sums.iter_mut().zip(line) {
                *sum = simd.mul_add_f32s(factor, value, *sum);
            }
        }
        sum.copy_from_slice(&sums);
    }
}
