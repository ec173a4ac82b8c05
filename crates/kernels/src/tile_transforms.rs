//! The transforms before and after the products of [`tiled_backward`](crate::tiled_backward).
//!
//! In memory, transformed tiles are `[channels / width, 36, tiles, width]`: a product's numbers of some channels lie
//! together, tile after tile, in the order in which the multiplications read them.

use pulp::{Simd, WithSimd};

use crate::buffer::{all_finite, load, store, zeros};
use crate::conv_relu_pool::Order;
use crate::filter_gradients;
use crate::gradients;
use crate::isa::Isa;
use crate::tiled_backward::{Gradient, Sizes};
use crate::transpose::{Matrix, transpose};
use crate::winograd::{self, PRODUCTS, SIDE};

/// Copies an image `[height, width, channels_in]` onto its padded plane.
pub(crate) fn stage_input(sizes: Sizes, x: &[f32], plane: &mut [f32]) {
    let (channels, pixel) = (sizes.shape.channels_in, sizes.channels_in);
    let lines = plane.chunks_exact_mut(sizes.inputs()[1] * pixel);
    for (x, line) in x.chunks_exact(sizes.shape.width * channels).zip(lines) {
        gradients::pad(channels, x, pixel, line);
    }
}

/// Writes the gradient of an image's outputs on its padded plane `[rows, columns, channels_out]`; returns the sums of
/// each channel.
pub(crate) struct Unpack<'a> {
    pub(crate) isa: Isa,
    pub(crate) sizes: Sizes,
    pub(crate) gradient: Gradient<'a>,
    pub(crate) plane: &'a mut [f32],
}

impl WithSimd for Unpack<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { isa, sizes, gradient, plane } = self;
        let (co, pixel) = (sizes.shape.channels_out, sizes.channels_out);
        let line = sizes.outputs()[1] * pixel;
        match gradient {
            Gradient::Relu(y, dy) => {
                let [_, columns] = sizes.shape.output_sides();
                let rows = y.chunks_exact(columns * co).zip(dy.chunks_exact(columns * co));
                for (plane, (y, dy)) in plane.chunks_exact_mut(line).zip(rows) {
                    filter_gradients::mask(simd, sizes.shape, y, dy, plane, pixel);
                }
            }
            Gradient::Pooled(winners, order, dy) => {
                let [rows, columns] = sizes.shape.pooled_sides();
                let cells = rows * columns;
                let mut by_cell = zeros(if order == Order::First { cells * co } else { 0 });
                let dy = match order {
                    Order::First => {
                        let matrix = Matrix { rows: co, columns: cells, stride: cells };
                        transpose(isa, matrix, dy, &mut by_cell, co);
                        &by_cell[..]
                    }
                    Order::Last => dy,
                };
                let each = winners.chunks_exact(co).zip(dy.chunks_exact(co)).enumerate();
                for (cell, (winners, dy)) in each {
                    let corner = cell / columns * 2 * line + cell % columns * 2 * pixel;
                    for k in 0..4_u8 {
                        let at = corner + usize::from(k / 2) * line + usize::from(k % 2) * pixel;
                        let to = plane[at..][..co].iter_mut();
                        for (to, (&winner, &dy)) in to.zip(winners.iter().zip(dy)) {
                            *to = if winner == k { dy } else { 0.0 };
                        }
                    }
                }
            }
        }
        let mut sums = zeros(pixel);
        filter_gradients::of_biases(simd, plane, &mut sums);
        sums[..co].to_vec()
    }
}

/// Transforms the inputs of all tiles of some images, one vector of channels: `to` is `[36, tiles, lanes]`.
pub(crate) struct Inputs<'a> {
    pub(crate) sizes: Sizes,
    /// `[images, rows, columns, channels_in]`, all of them padded.
    pub(crate) x: &'a [f32],
    pub(crate) panel: usize,
    pub(crate) to: &'a mut [f32],
}

impl WithSimd for Inputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, x, panel, to } = self;
        let [row, pixel] = [sizes.inputs()[1] * sizes.channels_in, sizes.channels_in];
        let lanes = S::F32_LANES;
        let mut number = 0;
        for x in x.chunks_exact(sizes.input()) {
            for tile in 0..sizes.of_image() {
                let corner = sizes.corner(tile, [row, pixel]);
                let x = &x[corner + panel * lanes..];
                let v = winograd::input(
                    simd,
                    #[inline(always)]
                    |i, j| load(simd, x, i * row + j * pixel),
                );
                for product in 0..PRODUCTS {
                    let value = v[product / SIDE][product % SIDE];
                    store(simd, to, (product * sizes.tiles + number) * lanes, value);
                }
                number += 1;
            }
        }
        clear_rest(sizes.tiles, number, lanes, to);
    }
}

/// Transforms the gradients of the outputs of all tiles of some images, one block of channels: `to` is
/// `[36, tiles, block]`.
pub(crate) struct Outputs<'a> {
    pub(crate) sizes: Sizes,
    /// `[images, rows, columns, channels_out]`, all of them padded.
    pub(crate) planes: &'a [f32],
    pub(crate) panel: usize,
    pub(crate) to: &'a mut [f32],
}

impl WithSimd for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes, planes, panel, to } = self;
        let [row, pixel] = [sizes.outputs()[1] * sizes.channels_out, sizes.channels_out];
        let block = sizes.block;
        let mut number = 0;
        for plane in planes.chunks_exact(sizes.output()) {
            for tile in 0..sizes.of_image() {
                let corner = sizes.corner(tile, [row, pixel]);
                for within in (0..block).step_by(S::F32_LANES) {
                    let dy = &plane[corner + panel * block + within..];
                    let u = winograd::output_gradient(
                        simd,
                        #[inline(always)]
                        |i, j| load(simd, dy, i * row + j * pixel),
                    );
                    for product in 0..PRODUCTS {
                        let value = u[product / SIDE][product % SIDE];
                        store(simd, to, (product * sizes.tiles + number) * block + within, value);
                    }
                }
                number += 1;
            }
        }
        clear_rest(sizes.tiles, number, block, to);
    }
}

/// Sets the tiles from `n` on, which belong to no image, to 0.
fn clear_rest(tiles: usize, n: usize, width: usize, to: &mut [f32]) {
    to.chunks_exact_mut(tiles * width).for_each(|product| product[n * width..].fill(0.0));
}

/// Transforms the products of an image back and adds what overlaps; returns whether all are finite.
pub(crate) struct Back<'a> {
    pub(crate) sizes: Sizes,
    /// `[36, channels_in / block, tiles, block]`
    pub(crate) products: &'a [f32],
    pub(crate) image: usize,
    /// `[height, width, channels_in]`
    pub(crate) dx: &'a mut [f32],
}

impl WithSimd for Back<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { sizes, products, image, dx } = self;
        let [row, pixel] = [sizes.inputs()[1] * sizes.channels_in, sizes.channels_in];
        let block = sizes.block;
        let mut plane = zeros(sizes.input());
        for panel in 0..sizes.channels_in / block {
            for tile in 0..sizes.of_image() {
                let number = image * sizes.of_image() + tile;
                let corner = sizes.corner(tile, [row, pixel]);
                for within in (0..block).step_by(S::F32_LANES) {
                    let from = &products[(panel * sizes.tiles + number) * block + within..];
                    let stride = sizes.tiles * sizes.channels_in;
                    let d = winograd::input_gradient(
                        simd,
                        #[inline(always)]
                        |i, j| load(simd, from, (i * SIDE + j) * stride),
                    );
                    let plane = &mut plane[corner + panel * block + within..];
                    for (i, line) in d.into_iter().enumerate() {
                        for (j, value) in line.into_iter().enumerate() {
                            let at = i * row + j * pixel;
                            store(simd, plane, at, simd.add_f32s(load(simd, plane, at), value));
                        }
                    }
                }
            }
        }
        let (channels, width) = (sizes.shape.channels_in, sizes.shape.width);
        for (dx, line) in dx.chunks_exact_mut(width * channels).zip(plane.chunks_exact(row)) {
            gradients::unpad(channels, &line[..width * pixel], pixel, dx);
        }
        all_finite(simd, dx)
    }
}

/// Transforms the products of one input channel into gradients of filters: `to` is `[9, channels_out]`, padded.
pub(crate) struct FilterBack<'a> {
    pub(crate) sizes: Sizes,
    /// `[36, channels_in, channels_out]`, padded.
    pub(crate) products: &'a [f32],
    pub(crate) i: usize,
    pub(crate) to: &'a mut [f32],
}

impl WithSimd for FilterBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sizes: Sizes { channels_in, channels_out, .. }, products, i, to } = self;
        for o in (0..channels_out).step_by(S::F32_LANES) {
            let from = &products[i * channels_out + o..];
            let g = winograd::filter_gradient(
                simd,
                #[inline(always)]
                |i, j| load(simd, from, (i * SIDE + j) * channels_in * channels_out),
            );
            for (tap, value) in g.into_iter().flatten().enumerate() {
                let to = &mut to[tap * channels_out + o..][..S::F32_LANES];
                to.copy_from_slice(bytemuck::cast_slice(&[value]));
            }
        }
    }
}
