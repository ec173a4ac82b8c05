//! Gradients of a 3x3 convolution from the outputs that have one.
//!
//! After ReLU, max-pooling and dropout most outputs of a convolution get no gradient; the others are listed. Every
//! entry uses 9 inputs and 9 weights of all input channels, in three runs of three pixels.

use pulp::Simd;

use crate::buffer::{Buffer, vectors, vectors_mut, zeros};
use crate::entries::{Entry, Places};
use crate::shape::Shape;

/// Output channels whose weights of one row of the window and 32 input channels (24 KB, and the article's network has
/// no more) stay in a first-level cache.
const CHANNELS: usize = 64;

/// Rows of the window, and vectors of input channels, that the registers hold at once.
///
/// With 32 registers the whole window of two vectors, with 16 registers one row of four.
pub(crate) const fn rows_and_vectors<S: Simd>() -> (usize, usize) {
    if S::REGISTER_COUNT >= 32 { (3, 2) } else { (1, 4) }
}

/// Input channels, padded to what the registers hold at once, or to half of that where it is enough.
pub(crate) const fn padded<S: Simd>(channels_in: usize) -> usize {
    let block = rows_and_vectors::<S>().1 * S::F32_LANES;
    if channels_in <= block / 2 { block / 2 } else { channels_in.next_multiple_of(block) }
}

/// Whether a pixel of [`padded`] channels is half a block.
const fn is_half<S: Simd>(pixel: usize) -> bool {
    pixel < rows_and_vectors::<S>().1 * S::F32_LANES
}

/// Adds to the gradient `dw` `[9, pixel]` of one filter the terms of `entries`, with `x` the image.
///
/// # Shapes
/// - `x`: rows `row` numbers apart, pixels `pixel` numbers apart
#[inline(always)]
pub(crate) fn of_filter<S: Simd>(
    simd: S,
    entries: &[Entry],
    x: &[f32],
    [row, pixel]: [usize; 2],
    dw: &mut [f32],
) {
    if is_half::<S>(pixel) {
        of_filter_by::<S, 3, 1>(simd, entries, x, [row, pixel], dw);
    } else if S::REGISTER_COUNT >= 32 {
        of_filter_by::<S, 3, 2>(simd, entries, x, [row, pixel], dw);
    } else {
        of_filter_by::<S, 1, 4>(simd, entries, x, [row, pixel], dw);
    }
}

#[inline(always)]
fn of_filter_by<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    entries: &[Entry],
    x: &[f32],
    [row, pixel]: [usize; 2],
    dw: &mut [f32],
) {
    let block = VECTORS * S::F32_LANES;
    for first in (0..pixel).step_by(block) {
        for top in (0..3).step_by(ROWS) {
            let mut sums = [[[simd.splat_f32s(0.0); VECTORS]; 3]; ROWS];
            for (ky, sums) in sums.iter_mut().enumerate() {
                for (kx, sums) in sums.iter_mut().enumerate() {
                    let at = ((top + ky) * 3 + kx) * pixel + first;
                    sums.copy_from_slice(vectors(simd, &dw[at..][..block]));
                }
            }
            for &Entry { at, dy } in entries {
                let dy = simd.splat_f32s(dy);
                for (ky, sums) in sums.iter_mut().enumerate() {
                    let run = &x[at as usize + (top + ky) * row..][..3 * pixel];
                    for (kx, sums) in sums.iter_mut().enumerate() {
                        let x = vectors(simd, &run[kx * pixel + first..][..block]);
                        for (sum, &x) in sums.iter_mut().zip(x) {
                            *sum = simd.mul_add_f32s(dy, x, *sum);
                        }
                    }
                }
            }
            for (ky, sums) in sums.iter().enumerate() {
                for (kx, sums) in sums.iter().enumerate() {
                    let at = ((top + ky) * 3 + kx) * pixel + first;
                    vectors_mut(simd, &mut dw[at..][..block]).copy_from_slice(sums);
                }
            }
        }
    }
}

/// Adds to the gradient `dx` of the image the terms of `places`, with `filters` as [`by_row`] gives them.
///
/// [`CHANNELS`] and one row of the window at a time, whose weights stay in a first-level cache. Along a row of outputs
/// the three pixels under the window stay in registers, and each is written once the window has passed it.
///
/// # Shapes
/// - `dx`: rows `row` numbers apart, pixels `pixel` numbers apart
#[inline(always)]
pub(crate) fn of_image<S: Simd>(
    simd: S,
    shape: Shape,
    places: &mut Places,
    filters: &[f32],
    pixel: usize,
    dx: &mut [f32],
) {
    match (S::REGISTER_COUNT >= 32, is_half::<S>(pixel)) {
        (true, true) => of_image_by::<S, 1>(simd, shape, places, filters, pixel, dx),
        (true, false) => of_image_by::<S, 2>(simd, shape, places, filters, pixel, dx),
        (false, true) => of_image_by::<S, 2>(simd, shape, places, filters, pixel, dx),
        (false, false) => of_image_by::<S, 4>(simd, shape, places, filters, pixel, dx),
    }
}

#[inline(always)]
fn of_image_by<S: Simd, const VECTORS: usize>(
    simd: S,
    shape: Shape,
    places: &mut Places,
    filters: &[f32],
    pixel: usize,
    dx: &mut [f32],
) {
    let block = VECTORS * S::F32_LANES;
    let [rows, columns] = shape.output_sides();
    for start in (0..shape.channels_out).step_by(CHANNELS) {
        places.narrow(start..start + CHANNELS);
        for (ky, filters) in filters.chunks_exact(shape.channels_out * 3 * pixel).enumerate() {
            for row in 0..rows {
                let dx = &mut dx[(row + ky) * shape.width * pixel..][..shape.width * pixel];
                for first in (0..pixel).step_by(block) {
                    // A macro, since a closure that is not inlined would lack the vector instructions.
                    macro_rules! pixel {
                        ($column:expr) => {
                            vectors_mut(simd, &mut dx[$column * pixel + first..][..block])
                        };
                    }
                    let mut window = [[simd.splat_f32s(0.0); VECTORS]; 3];
                    window[0].copy_from_slice(pixel!(0));
                    window[1].copy_from_slice(pixel!(1));
                    for column in 0..columns {
                        window[2].copy_from_slice(pixel!(column + 2));
                        for &Entry { at: o, dy } in places.part_at(row * columns + column) {
                            let dy = simd.splat_f32s(dy);
                            let filter = &filters[o as usize * 3 * pixel..][..3 * pixel];
                            for (kx, window) in window.iter_mut().enumerate() {
                                let weights = vectors(simd, &filter[kx * pixel + first..][..block]);
                                for (dx, &weight) in window.iter_mut().zip(weights) {
                                    *dx = simd.mul_add_f32s(dy, weight, *dx);
                                }
                            }
                        }
                        pixel!(column).copy_from_slice(&window[0]);
                        window = [window[1], window[2], window[2]];
                    }
                    pixel!(columns).copy_from_slice(&window[0]);
                    pixel!(columns + 1).copy_from_slice(&window[1]);
                }
            }
        }
    }
}

/// Filters `[channels_out, channels_in, 3, 3]` as `[channels_out, 9, pixel]`, with adjacent input channels.
pub(crate) fn filters(shape: Shape, weights: &[f32], pixel: usize) -> Buffer {
    let mut filters = zeros(shape.channels_out * 9 * pixel);
    let each = weights.chunks_exact(9 * shape.channels_in).zip(filters.chunks_exact_mut(9 * pixel));
    for (weights, filter) in each {
        for (i, taps) in weights.chunks_exact(9).enumerate() {
            (0..9).for_each(|tap| filter[tap * pixel + i] = taps[tap]);
        }
    }
    filters
}

/// The inverse of [`filters`].
pub(crate) fn unfilters(shape: Shape, filters: &[f32], pixel: usize) -> Vec<f32> {
    let mut weights = vec![0.0; shape.weights()];
    let each = weights.chunks_exact_mut(9 * shape.channels_in).zip(filters.chunks_exact(9 * pixel));
    for (weights, filter) in each {
        for (i, taps) in weights.chunks_exact_mut(9).enumerate() {
            (0..9).for_each(|tap| taps[tap] = filter[tap * pixel + i]);
        }
    }
    weights
}

/// Copies pixels of `channels` numbers so that they are `pixel` numbers apart.
pub(crate) fn pad(channels: usize, x: &[f32], pixel: usize, plane: &mut [f32]) {
    for (x, plane) in x.chunks_exact(channels).zip(plane.chunks_exact_mut(pixel)) {
        plane[..channels].copy_from_slice(x);
    }
}

/// The inverse of [`pad`].
pub(crate) fn unpad(channels: usize, plane: &[f32], pixel: usize, x: &mut [f32]) {
    if channels == pixel {
        x.copy_from_slice(plane);
        return;
    }
    for (x, plane) in x.chunks_exact_mut(channels).zip(plane.chunks_exact(pixel)) {
        x.copy_from_slice(&plane[..channels]);
    }
}
