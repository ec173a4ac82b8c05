//! Convolution 3x3, bias and ReLU by Winograd's tiles, forward.
//!
//! [`tiled_backward`](crate::tiled_backward) has its gradients.

use pulp::Simd;

use crate::buffer::{load, store};
use crate::filters::Filters;
use crate::shape::Shape;
use crate::tiles::{TILES, Tiles};
use crate::winograd::{self, SIDE, TILE};

/// Fewest input channels for which tiles are used. At 16 they take a quarter of the time of direct sums, with at most
/// half of the rounding error that the worst order of direct sums could have; for fewer channels that share grows.
const CHANNELS: usize = 16;

/// Whether [`conv_relu`](crate::conv_relu()) computes this shape by tiles: with 16 input channels or more, unless the
/// output is smaller than a tile. Otherwise the transforms would cost more than they save.
#[must_use]
pub fn goes_by_tiles(shape: Shape) -> bool {
    shape.channels_in >= CHANNELS && shape.output_sides().iter().all(|side| *side >= TILE)
}

/// Scratch memory of a thread for images of this shape.
pub(crate) fn tiles<S: Simd>(filters: &Filters) -> Tiles {
    Tiles::new::<S>(filters, filters.shape.output_sides().map(|side| side.div_ceil(TILE)))
}

/// Images whose tiles are multiplied together: one, unless a tile or a few are all that an image has.
pub(crate) fn images_at_once(tiles: &Tiles) -> usize {
    TILES.div_ceil(tiles.of_image())
}

/// Convolves up to [`images_at_once`] images, which [`Tiles::stage`] has put on `planes`; returns for each of as many
/// whether every intermediate number was finite.
///
/// # Shapes
/// - `y`: `[images, height - 2, width - 2, channels_out]`
#[inline(always)]
pub(crate) fn images<S: Simd>(
    simd: S,
    filters: &Filters,
    tiles: &mut Tiles,
    planes: &[f32],
    y: &mut [f32],
) -> [bool; TILES] {
    let (of_image, output) = (tiles.of_image(), filters.shape.output());
    let n_tiles = y.len() / output * of_image;
    let mut sums = [simd.splat_f32s(0.0); TILES];
    for first in (0..n_tiles).step_by(TILES) {
        let n = TILES.min(n_tiles - first);
        tiles.multiply(simd, filters, planes, first..first + n);
        for number in 0..n {
            let (image, tile) = ((first + number) / of_image, (first + number) % of_image);
            let corner = [tile / tiles.sides[1] * TILE, tile % tiles.sides[1] * TILE];
            let y = &mut y[image * output..][..output];
            write(simd, filters, tiles, number, corner, y, &mut sums[image]);
        }
    }
    sums.map(
        #[inline(always)]
        |sum| simd.reduce_sum_f32s(sum) == 0.0,
    )
}

/// Writes the part of a tile with its first output at `[row, column]` that lies inside the image; adds to `sum` a
/// number that is 0 if all are finite.
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
        let outputs = winograd::output(
            simd,
            #[inline(always)]
            |i, j| load(simd, products, ((i * SIDE + j) * TILES + number) * *channels_out + o),
        );
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
