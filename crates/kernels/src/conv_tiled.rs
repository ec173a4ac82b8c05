//! Convolution 3x3, bias and ReLU by Winograd's tiles, forward.
//!
//! The gradient of the input is a convolution too, but not by tiles: a pixel at the border is a sum of few products, which
//! would be off by what the tile's other pixels round.

use pulp::Simd;

use crate::buffer::{load, store};
use crate::filters::Filters;
use crate::shape::Shape;
use crate::tiles::{TILES, Tiles};
use crate::winograd::{self, SIDE, TILE};

/// Input channels from which on tiles are used. At 16 they take a quarter of the time of direct sums, and round to at most
/// half of what the worst order of direct sums could; for fewer that share grows.
const CHANNELS: usize = 16;

/// Whether [`conv_relu`](crate::conv_relu()) goes by tiles, since they are worth their transforms: for 16 input channels or
/// more, unless the output is smaller than a tile.
#[must_use]
pub fn goes_by_tiles(shape: Shape) -> bool {
    shape.channels_in >= CHANNELS && shape.output_sides().iter().all(|side| *side >= TILE)
}

/// What a thread works in for pictures of this shape.
pub(crate) fn tiles<S: Simd>(filters: &Filters) -> Tiles {
    Tiles::new::<S>(filters, filters.shape.output_sides().map(|side| side.div_ceil(TILE)))
}

/// Convolves one picture, which lies on `plane` as [`Tiles::stage`] puts it there; whether every number on the way was finite.
///
/// # Shapes
/// - `y`: `[height - 2, width - 2, channels_out]`
#[inline(always)]
pub(crate) fn picture<S: Simd>(
    simd: S,
    filters: &Filters,
    tiles: &mut Tiles,
    plane: &[f32],
    y: &mut [f32],
) -> bool {
    let n_tiles = tiles.sides[0] * tiles.sides[1];
    let mut sum = simd.splat_f32s(0.0);
    for first in (0..n_tiles).step_by(TILES) {
        let n = TILES.min(n_tiles - first);
        tiles.multiply(simd, filters, plane, first..first + n);
        for number in 0..n {
            let tile = first + number;
            let corner = [tile / tiles.sides[1] * TILE, tile % tiles.sides[1] * TILE];
            write(simd, filters, tiles, number, corner, y, &mut sum);
        }
    }
    simd.reduce_sum_f32s(sum) == 0.0
}

/// Writes what of a tile, whose first output is at `[row, column]`, lies in the picture; adds to `sum` what is 0 if all is
/// finite.
#[inline(always)]
fn write<S: Simd>(
    simd: S,
    filters: &Filters,
    tiles: &Tiles,
    number: usize,
    [row, column]: [usize; 2],
    y: &mut [f32],
    sum: &mut S::f32s,
) {
    let Shape { channels_out: co, .. } = filters.shape;
    let [rows, columns] = filters.shape.output_sides();
    let Tiles { channels_out, products, .. } = tiles;
    let zero = simd.splat_f32s(0.0);
    for o in (0..co).step_by(S::F32_LANES) {
        let outputs = winograd::output(simd, |i, j| {
            load(simd, products, ((i * SIDE + j) * TILES + number) * *channels_out + o)
        });
        let bias = load(simd, &filters.bias, o);
        for (i, outputs) in outputs.into_iter().take(rows - row).enumerate() {
            for (j, output) in outputs.into_iter().take(columns - column).enumerate() {
                let output = simd.add_f32s(output, bias);
                *sum = simd.mul_add_f32s(output, zero, *sum);
                let live = simd.greater_than_f32s(output, zero);
                let output = simd.select_f32s(live, output, zero);
                let at = ((row + i) * columns + column + j) * co + o;
                if o + S::F32_LANES <= co {
                    store(simd, y, at, output);
                } else {
                    let lanes = [output];
                    y[at..][..co - o].copy_from_slice(&bytemuck::cast_slice(&lanes)[..co - o]);
                }
            }
        }
    }
}
