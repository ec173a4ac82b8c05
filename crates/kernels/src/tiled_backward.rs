//! Gradients of a 3x3 convolution by Winograd's tiles, for outputs of which many have a gradient.
//!
//! Some images at a time, in three steps: their inputs and the gradients of their outputs are transformed; each of the
//! 36 products is two matrix multiplications, over tiles for the filters and over output channels for the inputs; the
//! latter are transformed back. Every product is one thread's, and adds the tiles in their order.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::zeros;
use crate::conv_relu_backward::ConvBackward;
use crate::conv_relu_pool::Order;
use crate::conv_tiled;
use crate::filters::{Filters, columns};
use crate::isa::Isa;
use crate::shape::Shape;
use crate::tile_gradients::{OfFilters, OfInputs, TILES};
use crate::tile_transforms::{Back, FilterBack, Inputs, Outputs, Unpack, stage_input};
use crate::transpose::{Matrix, transpose};
use crate::winograd::{PRODUCTS, TILE};

/// Numbers of all transformed tiles that are in memory at once: 2 MiB, a part of a third-level cache. Half and twice as
/// many take as long, four times as many half as long again where an image has many tiles.
const NUMBERS: usize = 1 << 19;

/// Fewest input channels for which tiles are used where most outputs have no gradient. An epoch of the article's network
/// (32 channels) takes 6 % longer by tiles; for 48 channels at 16x16 pixels and 96 at 8x8, where most cells have a gradient,
/// lists of the outputs take 1.7 and 1.5 times as long as tiles.
const POOLED_CHANNELS: usize = 48;

/// Whether [`conv_relu_backward`](crate::conv_relu_backward()) computes this shape by tiles: where the forward pass is, and where the output has 16
/// channels or more too.
#[must_use]
pub fn gradients_go_by_tiles(shape: Shape) -> bool {
    conv_tiled::goes_by_tiles(shape) && conv_tiled::goes_by_tiles(shape.swapped())
}

/// Whether [`conv_relu_pool_backward`](crate::conv_relu_pool_backward()) computes this shape by tiles: where there are
/// also 48 input channels or more.
#[must_use]
pub fn pooled_gradients_go_by_tiles(shape: Shape) -> bool {
    gradients_go_by_tiles(shape) && shape.channels_in >= POOLED_CHANNELS
}

/// The sizes of tiles in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) shape: Shape,
    /// Rows and columns of tiles of an image.
    pub(crate) sides: [usize; 2],
    /// Tiles of the images that are in memory at once, padded to what the registers hold.
    pub(crate) tiles: usize,
    /// Channels of a vector.
    pub(crate) lanes: usize,
    /// Channels of a block, some vectors.
    pub(crate) block: usize,
    /// Input channels, padded to whole blocks.
    pub(crate) channels_in: usize,
    /// Output channels, padded to whole blocks.
    pub(crate) channels_out: usize,
}

impl Sizes {
    /// Tiles of an image.
    pub(crate) fn of_image(&self) -> usize {
        self.sides[0] * self.sides[1]
    }

    /// Rows and columns of the outputs of all tiles of an image.
    pub(crate) fn outputs(&self) -> [usize; 2] {
        self.sides.map(|side| side * TILE)
    }

    /// Rows and columns of the inputs of all tiles of an image.
    pub(crate) fn inputs(&self) -> [usize; 2] {
        self.sides.map(|side| side * TILE + 2)
    }

    /// Where a tile begins on a plane whose rows and pixels are so many numbers apart.
    pub(crate) fn corner(&self, tile: usize, [row, pixel]: [usize; 2]) -> usize {
        tile / self.sides[1] * TILE * row + tile % self.sides[1] * TILE * pixel
    }

    /// Numbers of the padded inputs of an image.
    pub(crate) fn input(&self) -> usize {
        self.inputs().iter().product::<usize>() * self.channels_in
    }

    /// Numbers of the padded outputs of an image.
    pub(crate) fn output(&self) -> usize {
        self.outputs().iter().product::<usize>() * self.channels_out
    }

    /// With room for the tiles of `n` images.
    fn with_images(self, n: usize) -> Self {
        // An odd multiple of what is summed at once: a power of two would put a tile's 36 products on few cache lines.
        let needed = n * self.of_image();
        let tiles = (needed + TILES).next_multiple_of(2 * TILES) - TILES;
        Self { tiles, ..self }
    }
}

/// The gradient of a convolution's output, before ReLU and pooling.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gradient<'a> {
    /// Of the outputs that are not 0: `y` and `dy`, both `[n, rows, columns, channels_out]`.
    Relu(&'a [f32], &'a [f32]),
    /// Of the winners, `[n, pooled rows, pooled columns, channels_out]`, and `dy` in its order.
    Pooled(&'a [u8], Order, &'a [f32]),
}

impl<'a> Gradient<'a> {
    /// That of some images.
    fn images(self, shape: Shape, first: usize, n: usize) -> Self {
        let part = |size: usize| first * size..(first + n) * size;
        match self {
            Self::Relu(y, dy) => {
                let part = part(shape.output());
                Self::Relu(&y[part.clone()], &dy[part])
            }
            Self::Pooled(winners, order, dy) => {
                let part = part(shape.pooled());
                Self::Pooled(&winners[part.clone()], order, &dy[part])
            }
        }
    }
}

/// Gradients of the weights and biases, and of the inputs where they are wanted; `None` where one of them is not finite,
/// and only the formula can tell which.
///
/// # Shapes
/// - `dx`: `[n, height, width, channels_in]`; its previous content is overwritten
pub(crate) fn backward(
    isa: Isa,
    conv: ConvBackward,
    gradient: Gradient,
    mut dx: Option<&mut [f32]>,
) -> Option<(Vec<f32>, Vec<f32>)> {
    let ConvBackward { shape, weights, x } = conv;
    let n = x.len() / shape.input();
    let sizes = isa.run(Look { shape });
    let channels = sizes.channels_in * if dx.is_some() { 2 } else { 1 } + sizes.channels_out;
    let images = (NUMBERS / (sizes.of_image() * PRODUCTS * channels)).clamp(1, n.max(1));
    let most = sizes.with_images(images).tiles * PRODUCTS;
    let filters = dx.is_some().then(|| transposed(isa, shape, weights));
    let mut inputs = zeros(most * sizes.channels_in);
    let mut outputs = zeros(most * sizes.channels_out);
    let mut products = zeros(if dx.is_some() { most * sizes.channels_in } else { 0 });
    let mut planes = zeros(images * sizes.output());
    let is_padded = sizes.input() != shape.input();
    let mut padded = zeros(if is_padded { images * sizes.input() } else { 0 });
    let mut dw = zeros(PRODUCTS * sizes.channels_in * sizes.channels_out);
    let mut db = vec![0.0; shape.channels_out];
    let mut finite = true;
    for first in (0..n).step_by(images) {
        let n = images.min(n - first);
        let sizes = sizes.with_images(n);
        let numbers = sizes.tiles * PRODUCTS;
        let x = &x[first * shape.input()..][..n * shape.input()];
        let x = if !is_padded {
            x
        } else {
            let images = padded.par_chunks_exact_mut(sizes.input());
            images
                .zip(x.par_chunks_exact(shape.input()))
                .for_each(|(to, x)| stage_input(sizes, x, to));
            &padded[..n * sizes.input()]
        };
        let planes = &mut planes[..n * sizes.output()];
        let of_biases: Vec<Vec<f32>> = (planes.par_chunks_exact_mut(sizes.output()).enumerate())
            .map(|(image, plane)| {
                let gradient = gradient.images(shape, first + image, 1);
                isa.run(Unpack { isa, sizes, gradient, plane })
            })
            .collect();
        for sums in of_biases {
            db.iter_mut().zip(sums).for_each(|(db, sum)| *db += sum);
        }
        let inputs = &mut inputs[..numbers * sizes.channels_in];
        let panels = inputs.par_chunks_exact_mut(numbers * sizes.lanes).enumerate();
        panels.for_each(|(panel, to)| isa.run(Inputs { sizes, x, panel, to }));
        let outputs = &mut outputs[..numbers * sizes.channels_out];
        let panels = outputs.par_chunks_exact_mut(numbers * sizes.block).enumerate();
        panels.for_each(|(panel, to)| isa.run(Outputs { sizes, planes, panel, to }));
        let of_products = dw.par_chunks_exact_mut(sizes.channels_in * sizes.channels_out);
        of_products.enumerate().for_each(|(product, dw)| {
            isa.run(OfFilters { sizes, product, inputs, outputs, dw });
        });
        let (Some(dx), Some(filters)) = (&mut dx, &filters) else { continue };
        let products = &mut products[..numbers * sizes.channels_in];
        let each = products.par_chunks_exact_mut(sizes.tiles * sizes.channels_in).enumerate();
        each.for_each(|(product, to)| isa.run(OfInputs { sizes, product, filters, outputs, to }));
        let dx = &mut dx[first * shape.input()..][..n * shape.input()];
        let all_finite: Vec<bool> = (dx.par_chunks_exact_mut(shape.input()).enumerate())
            .map(|(image, dx)| isa.run(Back { sizes, products, image, dx }))
            .collect();
        finite &= all_finite.into_iter().all(|finite| finite);
    }
    let dw = of_weights(isa, sizes, &dw);
    finite &= dw.iter().chain(&db).all(|number| number.is_finite());
    finite.then_some((dw, db))
}

/// `[channels_out, channels_in, 3, 3]` from products `[36, channels_in, channels_out]`, both padded.
fn of_weights(isa: Isa, sizes: Sizes, products: &[f32]) -> Vec<f32> {
    let Shape { channels_in, channels_out, .. } = sizes.shape;
    let mut by_input = vec![0.0; channels_in * 9 * sizes.channels_out];
    let rows = by_input.par_chunks_exact_mut(9 * sizes.channels_out).enumerate();
    rows.for_each(|(i, to)| isa.run(FilterBack { sizes, products, i, to }));
    let mut weights = vec![0.0; sizes.shape.weights()];
    let matrix =
        Matrix { rows: 9 * channels_in, columns: channels_out, stride: sizes.channels_out };
    transpose(isa, matrix, &by_input, &mut weights, 9 * channels_in);
    weights
}

/// The filters with input and output channels swapped.
fn transposed(isa: Isa, shape: Shape, weights: &[f32]) -> Filters {
    let Shape { channels_in: ci, channels_out: co, .. } = shape;
    let mut swapped = vec![0.0; weights.len()];
    for (o, filters) in weights.chunks_exact(9 * ci).enumerate() {
        for (i, taps) in filters.chunks_exact(9).enumerate() {
            swapped[(i * co + o) * 9..][..9].copy_from_slice(taps);
        }
    }
    Filters::new(isa, shape.swapped(), &swapped, &vec![0.0; ci])
}

/// What depends on the vector instructions.
struct Look {
    shape: Shape,
}

impl WithSimd for Look {
    type Output = Sizes;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sizes {
        let Self { shape } = self;
        let block = columns::<S>() * S::F32_LANES;
        Sizes {
            shape,
            sides: shape.output_sides().map(|side| side.div_ceil(TILE)),
            tiles: 0,
            lanes: S::F32_LANES,
            block,
            channels_in: shape.channels_in.next_multiple_of(block),
            channels_out: shape.channels_out.next_multiple_of(block),
        }
    }
}
