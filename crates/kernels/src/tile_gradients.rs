//! The multiplications of [`tiled_backward`](crate::tiled_backward): for each product, over tiles and over output
//! channels.

use pulp::{Simd, WithSimd};

use crate::buffer::{vectors, vectors_mut};
use crate::filters::{Filters, columns};
use crate::tiled_backward::Sizes;
use crate::winograd::PRODUCTS;

/// Tiles whose products with filters are summed at once.
pub(crate) const TILES: usize = 6;
/// Input channels whose products with output channels are summed at once, where a vector has so many.
const CHANNELS: usize = 4;
/// Tiles whose products are added before the next channels: those of a block of output channels stay in a first-level
/// cache.
const STRIP: usize = 128;

/// Adds to the products of filters `[channels_in, channels_out]` the sums over tiles.
pub(crate) struct OfFilters<'a> {
    pub(crate) sizes: Sizes,
    pub(crate) product: usize,
    /// `[channels_in / lanes, 36, tiles, lanes]`
    pub(crate) inputs: &'a [f32],
    /// `[channels_out / block, 36, tiles, block]`
    pub(crate) outputs: &'a [f32],
    pub(crate) dw: &'a mut [f32],
}

impl WithSimd for OfFilters<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (columns::<S>(), S::F32_LANES >= CHANNELS) {
            (4, _) => of_filters::<S, 4, CHANNELS>(simd, self),
            (_, true) => of_filters::<S, 2, CHANNELS>(simd, self),
            (_, false) => of_filters::<S, 2, 1>(simd, self),
        }
    }
}

#[inline(always)]
fn of_filters<S: Simd, const COLUMNS: usize, const N: usize>(simd: S, op: OfFilters) {
    let OfFilters { sizes, product, inputs, outputs, dw } = op;
    let Sizes { tiles, channels_in, channels_out, .. } = sizes;
    let (lanes, block) = (S::F32_LANES, COLUMNS * S::F32_LANES);
    for first in (0..tiles).step_by(STRIP) {
        let n = STRIP.min(tiles - first);
        for o in (0..channels_out).step_by(block) {
            let at = ((o / block * PRODUCTS + product) * tiles + first) * block;
            let outputs = vectors(simd, &outputs[at..][..n * block]).as_chunks::<COLUMNS>().0;
            for i in (0..channels_in).step_by(N) {
                let at = ((i / lanes * PRODUCTS + product) * tiles + first) * lanes;
                let inputs = inputs[at..][..n * lanes].chunks_exact(lanes);
                let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; N];
                for (inputs, outputs) in inputs.zip(outputs) {
                    for (sums, &x) in sums.iter_mut().zip(&inputs[i % lanes..][..N]) {
                        let x = simd.splat_f32s(x);
                        for (sum, &output) in sums.iter_mut().zip(outputs) {
                            *sum = simd.mul_add_f32s(x, output, *sum);
                        }
                    }
                }
                for (row, sums) in sums.iter().enumerate() {
                    let dw = &mut dw[(i + row) * channels_out + o..][..block];
                    for (dw, &sum) in vectors_mut(simd, dw).iter_mut().zip(sums) {
                        *dw = simd.add_f32s(*dw, sum);
                    }
                }
            }
        }
    }
}

/// Writes the products of inputs `[channels_in / block, tiles, block]`: the sums over output channels.
pub(crate) struct OfInputs<'a> {
    pub(crate) sizes: Sizes,
    pub(crate) product: usize,
    /// From output channels to input channels.
    pub(crate) filters: &'a Filters,
    /// `[channels_out / block, 36, tiles, block]`
    pub(crate) outputs: &'a [f32],
    pub(crate) to: &'a mut [f32],
}

impl WithSimd for OfInputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match columns::<S>() {
            4 => of_inputs::<S, 4>(simd, self),
            _ => of_inputs::<S, 2>(simd, self),
        }
    }
}

#[inline(always)]
fn of_inputs<S: Simd, const COLUMNS: usize>(simd: S, op: OfInputs) {
    let OfInputs { sizes, product, filters, outputs, to } = op;
    let (tiles, block) = (sizes.tiles, COLUMNS * S::F32_LANES);
    let channels_out = sizes.shape.channels_out;
    let filters = &filters.transformed[product * channels_out * sizes.channels_in..];
    let blocks = filters.chunks_exact(channels_out * block).zip(to.chunks_exact_mut(tiles * block));
    for (filters, to) in blocks {
        for (number, to) in to.chunks_exact_mut(TILES * block).enumerate() {
            for (panel, filters) in filters.chunks(block * block).enumerate() {
                let at = ((panel * PRODUCTS + product) * tiles + number * TILES) * block;
                let outputs = &outputs[at..][..TILES * block];
                let sums = panel_of_inputs::<S, COLUMNS>(simd, outputs, vectors(simd, filters));
                for (to, sum) in vectors_mut(simd, to).iter_mut().zip(sums.as_flattened()) {
                    *to = if panel == 0 { *sum } else { simd.add_f32s(*to, *sum) };
                }
            }
        }
    }
}

/// The sums over the output channels of one block: a function of its own, so that they stay in registers.
#[inline(always)]
fn panel_of_inputs<S: Simd, const COLUMNS: usize>(
    simd: S,
    outputs: &[f32],
    filters: &[S::f32s],
) -> [[S::f32s; COLUMNS]; TILES] {
    let block = COLUMNS * S::F32_LANES;
    let filters = filters.as_chunks::<COLUMNS>().0;
    let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; TILES];
    let line = |number: usize| &outputs[number * block..][..block];
    let lines = [line(0), line(1), line(2), line(3), line(4), line(5)];
    for (o, filters) in filters.iter().enumerate().take(block) {
        for (sums, line) in sums.iter_mut().zip(lines) {
            let x = simd.splat_f32s(line[o]);
            for (sum, &filter) in sums.iter_mut().zip(filters) {
                *sum = simd.mul_add_f32s(x, filter, *sum);
            }
        }
    }
    sums
}
