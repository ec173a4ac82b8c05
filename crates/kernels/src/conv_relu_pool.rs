//! Convolution 3x3, bias, ReLU and 2x2 max-pooling in one pass, forward.
//!
//! A tile of [`winograd`] is four cells of the pooling, so the convolution's output is pooled in registers and never
//! written. Bias and ReLU come after the maximum, which neither can change.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{Buffer, load, store, zeros};
use crate::filters::Filters;
use crate::group::{GROUP, groups};
use crate::reference::{self, wide};
use crate::tiles::{TILES, Tiles};
use crate::transpose::{Matrix, transpose};
use crate::winograd::{self, SIDE};

/// The winner of a cell whose output is 0: none of its four places gets a gradient.
pub const NO_WINNER: u8 = 4;

/// Where the channels of a pooled output are, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `[n, channels_out, pooled rows, pooled columns]`, as a dense layer reads them.
    First,
    /// `[n, pooled rows, pooled columns, channels_out]`, as a convolution reads them.
    Last,
}

impl Order {
    /// Where in an image's output a channel of a cell is.
    pub(crate) fn at(self, [cells, channels]: [usize; 2], cell: usize, channel: usize) -> usize {
        match self {
            Self::First => channel * cells + cell,
            Self::Last => cell * channels + channel,
        }
    }
}

/// Convolution, bias, ReLU and pooling of any number of images, on rayon's threads.
///
/// An image's output is the same to the last bit whatever else is in the batch.
///
/// # Shapes
/// - `x`: `[n, height, width, channels_in]`
/// - `y`: in the given order
/// - `winners`: `[n, pooled rows, pooled columns, channels_out]`, for training: the place of each cell's
///   maximum among its four, row by row, or [`NO_WINNER`]
///
/// # Panics
/// If the lengths do not match.
pub fn conv_relu_pool(
    filters: &Filters,
    x: &[f32],
    order: Order,
    y: &mut [f32],
    winners: Option<&mut [u8]>,
) {
    let (input, pooled) = (filters.shape.input(), filters.shape.pooled());
    let n = x.len() / input;
    assert_eq!([x.len(), y.len()], [n * input, n * pooled]);
    assert!(winners.as_ref().is_none_or(|winners| winners.len() == n * pooled));
    if pooled == 0 {
        return;
    }
    let images = groups(x, input).zip(y.par_chunks_mut(GROUP * pooled));
    match winners {
        Some(winners) => {
            images.zip(winners.par_chunks_mut(GROUP * pooled)).for_each(|((x, y), winners)| {
                filters.isa.run(Forward::<true> { filters, x, order, y, winners });
            });
        }
        None if n <= GROUP => {
            filters.isa.run(Forward::<false> { filters, x, order, y, winners: &mut [] });
        }
        None => images.for_each(|(x, y)| {
            filters.isa.run(Forward::<false> { filters, x, order, y, winners: &mut [] });
        }),
    }
}

struct Forward<'a, const WINNERS: bool> {
    filters: &'a Filters,
    x: &'a [f32],
    order: Order,
    y: &'a mut [f32],
    winners: &'a mut [u8],
}

impl<const WINNERS: bool> WithSimd for Forward<'_, WINNERS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { filters, x, order, y, winners } = self;
        let shape = filters.shape;
        let mut scratch = Scratch::new::<S>(filters);
        let mut plane = zeros(scratch.tiles.plane());
        let images = x.chunks_exact(shape.input()).zip(y.chunks_exact_mut(shape.pooled()));
        for (number, (x, y)) in images.enumerate() {
            let winners = if WINNERS {
                &mut winners[number * shape.pooled()..][..shape.pooled()]
            } else {
                &mut []
            };
            // Also where nothing is padded: the copy brings the image into the cache, which saves 3 % of the whole.
            scratch.tiles.stage(x, [shape.width, shape.channels_in], &mut plane);
            let finite = image::<S, WINNERS>(simd, filters, &mut scratch, &plane, winners);
            if !finite {
                by_formula(filters, x, order, y, winners);
                continue;
            }
            let (columns, stride) = (shape.channels_out, scratch.tiles.channels_out);
            match order {
                Order::First => {
                    let cells = shape.pooled() / columns;
                    let matrix = Matrix { rows: cells, columns, stride };
                    transpose(filters.isa, matrix, &scratch.pooled, y, cells);
                }
                Order::Last => {
                    let cells = scratch.pooled.chunks_exact(stride);
                    for (y, cell) in y.chunks_exact_mut(columns).zip(cells) {
                        y.copy_from_slice(&cell[..columns]);
                    }
                }
            }
        }
    }
}

/// Scratch memory of one thread, reused from image to image.
struct Scratch {
    tiles: Tiles,
    /// `[cells, channels_out]`
    pooled: Buffer,
    /// The winners of one cell.
    cell: Vec<u32>,
}

impl Scratch {
    fn new<S: Simd>(filters: &Filters) -> Self {
        let [rows, columns] = filters.shape.pooled_sides();
        let tiles = Tiles::new::<S>(filters, [rows.div_ceil(2), columns.div_ceil(2)]);
        let channels_out = tiles.channels_out;
        Self { tiles, pooled: zeros(rows * columns * channels_out), cell: vec![0; channels_out] }
    }
}

/// Fills `scratch.pooled` and the winners of one image; returns whether every intermediate number was finite.
#[inline(always)]
fn image<S: Simd, const WINNERS: bool>(
    simd: S,
    filters: &Filters,
    scratch: &mut Scratch,
    plane: &[f32],
    winners: &mut [u8],
) -> bool {
    let [rows, columns] = scratch.tiles.sides;
    let n_tiles = rows * columns;
    let mut sum = simd.splat_f32s(0.0);
    for first in (0..n_tiles).step_by(TILES) {
        let n = TILES.min(n_tiles - first);
        scratch.tiles.multiply(simd, filters, plane, first..first + n);
        for tile in 0..n {
            let at = [(first + tile) / columns * 2, (first + tile) % columns * 2];
            pool::<S, WINNERS>(simd, filters, scratch, tile, at, winners, &mut sum);
        }
    }
    simd.reduce_sum_f32s(sum) == 0.0
}

/// Pools the four cells of a tile, the first of them at `[row, column]`; adds to `sum` a number that is 0 if all are
/// finite.
#[inline(always)]
fn pool<S: Simd, const WINNERS: bool>(
    simd: S,
    filters: &Filters,
    scratch: &mut Scratch,
    tile: usize,
    [row, column]: [usize; 2],
    winners: &mut [u8],
    sum: &mut S::f32s,
) {
    let (zero, co) = (simd.splat_f32s(0.0), filters.shape.channels_out);
    let [rows, columns] = filters.shape.pooled_sides();
    let Scratch { tiles: Tiles { channels_out, products, .. }, pooled, cell } = scratch;
    let in_range = |i: usize, j: usize| row + i < rows && column + j < columns;
    for o in (0..*channels_out).step_by(S::F32_LANES) {
        let y = winograd::output(
            simd,
            #[inline(always)]
            |i, j| load(simd, products, ((i * SIDE + j) * TILES + tile) * *channels_out + o),
        );
        let bias = load(simd, &filters.bias, o);
        for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            if !in_range(i, j) {
                continue;
            }
            let (top, bottom) = (y[i * 2], y[i * 2 + 1]);
            let places = [top[j * 2], top[j * 2 + 1], bottom[j * 2], bottom[j * 2 + 1]];
            let (mut highest, mut winner) = (places[0], simd.splat_u32s(0));
            for (k, place) in places.into_iter().enumerate() {
                *sum = simd.mul_add_f32s(place, zero, *sum);
                let wins = simd.greater_than_f32s(place, highest);
                highest = simd.select_f32s(wins, place, highest);
                winner = simd.select_u32s(wins, simd.splat_u32s(k as u32), winner);
            }
            let output = simd.add_f32s(highest, bias);
            *sum = simd.mul_add_f32s(output, zero, *sum);
            let live = simd.greater_than_f32s(output, zero);
            let at = (row + i) * columns + column + j;
            let output = simd.select_f32s(live, output, zero);
            store(simd, pooled, at * *channels_out + o, output);
            if WINNERS {
                let none = simd.splat_u32s(u32::from(NO_WINNER));
                let winner = simd.select_u32s(live, winner, none);
                let vector: &mut [S::u32s] =
                    bytemuck::cast_slice_mut(&mut cell[o..][..S::F32_LANES]);
                vector[0] = winner;
                let n = S::F32_LANES.min(co.saturating_sub(o));
                let bytes = winners[at * co + o.min(co)..][..n].iter_mut();
                bytes.zip(&cell[o..]).for_each(|(byte, &winner)| *byte = winner as u8);
            }
        }
    }
}

/// One image by the formula, where Winograd's sums would turn an infinity into NaN.
fn by_formula(filters: &Filters, x: &[f32], order: Order, y: &mut [f32], winners: &mut [u8]) {
    let shape = filters.shape;
    let bias = wide(&filters.bias[..shape.channels_out]);
    let unpooled = reference::conv_relu(shape, &wide(&filters.weights), &bias, &wide(x));
    let [_, width] = shape.output_sides();
    let cells = shape.pooled() / shape.channels_out;
    for (at, place) in reference::max_pool(shape, &unpooled).into_iter().enumerate() {
        let (cell, o) = (at / shape.channels_out, at % shape.channels_out);
        let pixel = place / shape.channels_out;
        let output = unpooled[place];
        y[order.at([cells, shape.channels_out], cell, o)] = output as f32;
        if let Some(winner) = winners.get_mut(at) {
            let place = pixel / width % 2 * 2 + pixel % width % 2;
            *winner = if output == 0.0 { NO_WINNER } else { place as u8 };
        }
    }
}
