//! Convolution 3x3, bias and ReLU, forward. With few input channels each output is summed directly, which is fastest;
//! with more, see [`conv_tiled`].

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{Buffer, vectors, vectors_mut, zeros};
use crate::conv_tiled;
use crate::filters;
use crate::group::{GROUP, groups};
use crate::isa::Isa;
use crate::shape::Shape;
use crate::transpose::{Matrix, transpose};

/// Pixels of a row that are summed at once.
const PIXELS: usize = 8;
/// Vectors of output channels that are summed at once, for each of the pixels.
const COLUMNS: usize = 2;
/// [`COLUMNS`] where there are 16 registers and not 32.
const COLUMNS_OF_FEW: usize = 1;

/// Convolution, bias and ReLU of any number of images, on rayon's threads.
///
/// An image's output is the same to the last bit whatever else is in the batch.
///
/// # Shapes
/// - `weights`: `[channels_out, channels_in, 3, 3]`, `bias`: `[channels_out]`
/// - `x`: `[n, height, width, channels_in]`
/// - `y`: `[n, height - 2, width - 2, channels_out]`
///
/// # Panics
/// If the lengths do not match.
pub fn conv_relu(isa: Isa, shape: Shape, weights: &[f32], bias: &[f32], x: &[f32], y: &mut [f32]) {
    let (input, output) = (shape.input(), shape.output());
    let n = x.len() / input;
    assert_eq!([weights.len(), bias.len()], [shape.weights(), shape.channels_out]);
    assert_eq!([x.len(), y.len()], [n * input, n * output]);
    if conv_tiled::goes_by_tiles(shape) {
        conv_relu_tiled(&filters::Filters::new(isa, shape, weights, bias), x, y);
    } else {
        let filters = isa.run(Pack { isa, shape, weights, bias });
        by_groups(shape, x, y, |x, y| isa.run(Forward { shape, filters: &filters, x, y }));
    }
}

/// [`conv_relu()`] with filters transformed in advance, for shapes for which [`goes_by_tiles`](crate::goes_by_tiles())
/// is true and it would transform them in every call. Results are equal to the last bit.
///
/// # Shapes
/// - `x`: `[n, height, width, channels_in]`
/// - `y`: `[n, height - 2, width - 2, channels_out]`
///
/// # Panics
/// If the lengths do not match.
pub fn conv_relu_tiled(filters: &filters::Filters, x: &[f32], y: &mut [f32]) {
    let shape = filters.shape;
    let n = x.len() / shape.input();
    assert_eq!([x.len(), y.len()], [n * shape.input(), n * shape.output()]);
    by_groups(shape, x, y, |x, y| filters.isa.run(Tiled { filters, x, y }));
}

/// Distributes images and their outputs over rayon's threads, unless there is only one.
fn by_groups(shape: Shape, x: &[f32], y: &mut [f32], forward: impl Fn(&[f32], &mut [f32]) + Sync) {
    let (input, output) = (shape.input(), shape.output());
    if x.len() <= input {
        forward(x, y);
    } else {
        groups(x, input).zip(y.par_chunks_mut(GROUP * output)).for_each(|(x, y)| forward(x, y));
    }
}

/// Images by tiles.
struct Tiled<'a> {
    filters: &'a filters::Filters,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Tiled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { filters, x, y } = self;
        let filters::Filters { isa, shape, ref weights, ref bias, .. } = *filters;
        let mut tiles = conv_tiled::tiles::<S>(filters);
        let n = conv_tiled::images_at_once(&tiles);
        let mut planes = zeros(n * tiles.plane());
        for (x, y) in x.chunks(n * shape.input()).zip(y.chunks_mut(n * shape.output())) {
            for (x, plane) in
                x.chunks_exact(shape.input()).zip(planes.chunks_exact_mut(tiles.plane()))
            {
                tiles.stage(x, [shape.width, shape.channels_in], plane);
            }
            let finite = conv_tiled::images(simd, filters, &mut tiles, &planes, y);
            let images = x.chunks_exact(shape.input()).zip(y.chunks_exact_mut(shape.output()));
            for ((x, y), _) in images.zip(finite).filter(|(_, finite)| !finite) {
                // Directly, where the tiles' sums would turn an infinity into NaN.
                let bias = &bias[..shape.channels_out];
                let filters = isa.run(Pack { isa, shape, weights, bias });
                isa.run(Forward { shape, filters: &filters, x, y });
            }
        }
    }
}

/// Filters with adjacent output channels.
struct Filters {
    /// `[9 * channels_in, padded]`, taps before channels.
    taps: Buffer,
    /// `[padded]`
    bias: Buffer,
}

struct Pack<'a> {
    isa: Isa,
    shape: Shape,
    weights: &'a [f32],
    bias: &'a [f32],
}

impl WithSimd for Pack<'_> {
    type Output = Filters;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Filters {
        let Shape { channels_in: ci, channels_out: co, .. } = self.shape;
        let padded = co.next_multiple_of(COLUMNS * S::F32_LANES);
        let mut by_channel = zeros(9 * ci * padded);
        let matrix = Matrix { rows: co, columns: 9 * ci, stride: 9 * ci };
        transpose(self.isa, matrix, self.weights, &mut by_channel, padded);
        let mut taps = zeros(9 * ci * padded);
        for (at, filters) in by_channel.chunks_exact(padded).enumerate() {
            let (i, tap) = (at / 9, at % 9);
            taps[(tap * ci + i) * padded..][..padded].copy_from_slice(filters);
        }
        let mut bias = zeros(padded);
        bias[..co].copy_from_slice(self.bias);
        Filters { taps, bias }
    }
}

struct Forward<'a> {
    shape: Shape,
    filters: &'a Filters,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { shape, filters, x, y } = self;
        let [_, columns] = shape.output_sides();
        let (co, padded) = (shape.channels_out, filters.bias.len());
        // Pixels of a block that has room neither for padded channels nor for pixels beyond the row.
        let mut block = zeros(PIXELS * padded);
        // What the last block reads beyond the row is summed and dropped.
        let mut window = zeros(3 * (columns.next_multiple_of(PIXELS) + 2) * shape.channels_in);
        let images = x.chunks_exact(shape.input()).zip(y.chunks_exact_mut(shape.output()));
        for (x, y) in images {
            for (row, y) in y.chunks_exact_mut(columns * co).enumerate() {
                let length = shape.width * shape.channels_in;
                let stride = window.len() / 3;
                for ky in 0..3 {
                    window[ky * stride..][..length]
                        .copy_from_slice(&x[(row + ky) * length..][..length]);
                }
                for first in (0..columns).step_by(PIXELS) {
                    let window = &window[first * shape.channels_in..];
                    let n = PIXELS.min(columns - first);
                    let y = &mut y[first * co..][..n * co];
                    let fits = y.len() == block.len();
                    let to = if fits { &mut *y } else { &mut block[..] };
                    if S::REGISTER_COUNT >= 32 {
                        pixels::<S, COLUMNS>(simd, shape, filters, window, stride, to);
                    } else {
                        pixels::<S, COLUMNS_OF_FEW>(simd, shape, filters, window, stride, to);
                    }
                    if !fits {
                        for (y, pixel) in y.chunks_exact_mut(co).zip(block.chunks_exact(padded)) {
                            y.copy_from_slice(&pixel[..co]);
                        }
                    }
                }
            }
        }
    }
}

/// Some pixels of one row, in all channels.
#[inline(always)]
fn pixels<S: Simd, const COLUMNS: usize>(
    simd: S,
    shape: Shape,
    filters: &Filters,
    window: &[f32],
    stride: usize,
    block: &mut [f32],
) {
    let (ci, padded, width) = (shape.channels_in, filters.bias.len(), COLUMNS * S::F32_LANES);
    let zero = simd.splat_f32s(0.0);
    for o in (0..padded).step_by(width) {
        let mut sums = [[zero; COLUMNS]; PIXELS];
        for sums in &mut sums {
            sums.copy_from_slice(vectors(simd, &filters.bias[o..][..width]));
        }
        for ky in 0..3 {
            // The inputs of one row of taps are adjacent: three pixels of all channels.
            let inputs = &window[ky * stride..][..(PIXELS + 2) * ci];
            for i in 0..3 * ci {
                let taps = vectors(simd, &filters.taps[(ky * 3 * ci + i) * padded + o..][..width]);
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    let x = simd.splat_f32s(inputs[pixel * ci + i]);
                    for (sum, &tap) in sums.iter_mut().zip(taps) {
                        *sum = simd.mul_add_f32s(x, tap, *sum);
                    }
                }
            }
        }
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for sum in sums.iter_mut() {
                // Not `max`, which would turn NaN into 0.
                let dead = simd.less_than_or_equal_f32s(*sum, zero);
                *sum = simd.select_f32s(dead, zero, *sum);
            }
            vectors_mut(simd, &mut block[pixel * padded + o..][..width]).copy_from_slice(sums);
        }
    }
}
