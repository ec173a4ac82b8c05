//! The tiles of an image: their inputs transformed, multiplied by the transformed filters and summed over channels.

use std::ops::Range;

use pulp::Simd;

use crate::buffer::{Buffer, load, store, vectors, vectors_mut, zeros};
use crate::filters::{Filters, columns};
use crate::winograd::{self, PRODUCTS, SIDE, TILE};

/// Tiles whose products are summed at once: one row of the article's network.
pub(crate) const TILES: usize = 6;
/// As many at the end of an image whose number of tiles is not a multiple of six: just enough to keep the units for
/// sums busy.
const FEW_TILES: usize = 4;

/// Scratch memory of one thread, reused from image to image.
pub(crate) struct Tiles {
    /// Rows and columns of tiles.
    pub(crate) sides: [usize; 2],
    /// Input channels, padded to whole vectors.
    channels_in: usize,
    /// Output channels, padded to whole blocks.
    pub(crate) channels_out: usize,
    /// Transformed inputs `[products, TILES, channels_in]`.
    inputs: Buffer,
    /// Their products with the filters `[products, TILES, channels_out]`.
    pub(crate) products: Buffer,
}

impl Tiles {
    pub(crate) fn new<S: Simd>(filters: &Filters, sides: [usize; 2]) -> Self {
        let channels_in = filters.shape.channels_in.next_multiple_of(S::F32_LANES);
        let channels_out = filters.bias.len();
        Self {
            sides,
            channels_in,
            channels_out,
            inputs: zeros(PRODUCTS * TILES * channels_in),
            products: zeros(PRODUCTS * TILES * channels_out),
        }
    }

    /// Tiles of an image.
    pub(crate) fn of_image(&self) -> usize {
        self.sides[0] * self.sides[1]
    }

    /// Columns of the plane.
    fn width(&self) -> usize {
        self.sides[1] * TILE + 2
    }

    /// Numbers of the plane, which is an image in the layout that the tiles need: `[rows, columns, channels_in]`, all
    /// of them padded.
    pub(crate) fn plane(&self) -> usize {
        (self.sides[0] * TILE + 2) * self.width() * self.channels_in
    }

    /// Copies an image of so many columns and channels onto the padded plane; the padding stays 0.
    #[inline(always)]
    pub(crate) fn stage(&self, x: &[f32], [columns, channels]: [usize; 2], plane: &mut [f32]) {
        let pixel = self.channels_in;
        let lines = plane.chunks_exact_mut(self.width() * pixel);
        for (x, line) in x.chunks_exact(columns * channels).zip(lines) {
            if pixel == channels {
                let n = x.len().min(line.len());
                line[..n].copy_from_slice(&x[..n]);
                continue;
            }
            for (x, line) in x.chunks_exact(channels).zip(line.chunks_exact_mut(pixel)) {
                line[..channels].copy_from_slice(x);
            }
        }
    }

    /// Fills `products` for up to [`TILES`] tiles of one plane or more, counted plane by plane and row by row.
    #[inline(always)]
    pub(crate) fn multiply<S: Simd>(
        &mut self,
        simd: S,
        filters: &Filters,
        planes: &[f32],
        tiles: Range<usize>,
    ) {
        let (pixel, n) = (self.channels_in, tiles.len());
        let row = self.width() * pixel;
        for (number, tile) in tiles.enumerate() {
            let (image, tile) = (tile / self.of_image(), tile % self.of_image());
            let plane = &planes[image * self.plane()..];
            let corner = tile / self.sides[1] * TILE * row + tile % self.sides[1] * TILE * pixel;
            let inputs = &mut self.inputs[number * pixel..];
            transform_input(simd, &plane[corner..], row, pixel, inputs);
        }
        match (columns::<S>(), n <= FEW_TILES) {
            (4, false) => multiply::<S, 4, TILES>(simd, filters, self),
            (4, true) => multiply::<S, 4, FEW_TILES>(simd, filters, self),
            (_, false) => multiply::<S, 2, TILES>(simd, filters, self),
            (_, true) => multiply::<S, 2, FEW_TILES>(simd, filters, self),
        }
    }
}

#[inline(always)]
fn transform_input<S: Simd>(simd: S, corner: &[f32], row: usize, pixel: usize, inputs: &mut [f32]) {
    for c in (0..pixel).step_by(S::F32_LANES) {
        let v = winograd::input(
            simd,
            #[inline(always)]
            |i, j| load(simd, corner, i * row + j * pixel + c),
        );
        for product in 0..PRODUCTS {
            let value = v[product / SIDE][product % SIDE];
            store(simd, inputs, product * TILES * pixel + c, value);
        }
    }
}

/// `products = inputs * filters`, 36 times: the first `N` tiles by a block of output channels in registers.
#[inline(always)]
fn multiply<S: Simd, const COLUMNS: usize, const N: usize>(
    simd: S,
    filters: &Filters,
    tiles: &mut Tiles,
) {
    let (ci, block) = (filters.shape.channels_in, COLUMNS * S::F32_LANES);
    let Tiles { channels_in, channels_out, inputs, products, .. } = tiles;
    let n_blocks = *channels_out / block;
    let filters = filters.transformed.chunks_exact(ci * block);
    for (number, filters) in filters.enumerate() {
        let (product, o) = (number / n_blocks, number % n_blocks * block);
        let inputs = &inputs[product * TILES * *channels_in..][..TILES * *channels_in];
        let line = |number: usize| &inputs[number * *channels_in..][..ci];
        // One by one, though only the first `N` count: in a loop the compiler would not know their length.
        let lines = [line(0), line(1), line(2), line(3), line(4), line(5)];
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; N];
        for (i, filters) in vectors(simd, filters).as_chunks::<COLUMNS>().0.iter().enumerate() {
            for (sums, line) in sums.iter_mut().zip(lines) {
                let x = simd.splat_f32s(line[i]);
                for (sum, &filter) in sums.iter_mut().zip(filters) {
                    *sum = simd.mul_add_f32s(x, filter, *sum);
                }
            }
        }
        for (tile, sums) in sums.iter().enumerate() {
            let at = (product * TILES + tile) * *channels_out + o;
            vectors_mut(simd, &mut products[at..][..block]).copy_from_slice(sums);
        }
    }
}
