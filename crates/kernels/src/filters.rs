//! Filters transformed for Winograd's convolution, in the order in which the products read them.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{Buffer, load, store, zeros};
use crate::isa::Isa;
use crate::shape::Shape;
use crate::transpose::{Matrix, transpose};
use crate::winograd::{self, PRODUCTS, SIDE};

/// Filters transformed for [`conv_relu_pool`](crate::conv_relu_pool()) and
/// [`conv_relu_tiled`](crate::conv_relu_tiled()).
#[derive(Debug)]
pub struct Filters {
    pub(crate) isa: Isa,
    pub(crate) shape: Shape,
    /// Weights and bias as given, for [`reference`].
    pub(crate) weights: Vec<f32>,
    /// `[padded channels_out]`
    pub(crate) bias: Buffer,
    /// `[products, blocks, channels_in, block]`, blocks of as many output channels as are summed at once.
    pub(crate) transformed: Buffer,
}

impl Filters {
    /// Transforms filters; keep the result where they are used more than once.
    ///
    /// # Shapes
    /// - `weights`: `[channels_out, channels_in, 3, 3]`, `bias`: `[channels_out]`
    ///
    /// # Panics
    /// If the lengths do not match.
    #[must_use]
    pub fn new(isa: Isa, shape: Shape, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!([weights.len(), bias.len()], [shape.weights(), shape.channels_out]);
        isa.run(Transform { isa, shape, weights, bias })
    }

    /// The shape of the convolution.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

/// Vectors of output channels that are summed at once, six tiles by as many: what the registers hold.
pub(crate) const fn columns<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// Output channels of a block.
const fn block<S: Simd>() -> usize {
    columns::<S>() * S::F32_LANES
}

struct Transform<'a> {
    isa: Isa,
    shape: Shape,
    weights: &'a [f32],
    bias: &'a [f32],
}

impl WithSimd for Transform<'_> {
    type Output = Filters;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Filters {
        let Self { isa, shape, weights, bias: unpadded } = self;
        let (ci, co) = (shape.channels_in, shape.channels_out);
        let padded = co.next_multiple_of(block::<S>());
        let mut bias = zeros(padded);
        bias[..co].copy_from_slice(unpadded);
        // [channels_in * 9, padded]: adjacent output channels.
        let mut taps = zeros(ci * 9 * padded);
        let matrix = Matrix { rows: co, columns: ci * 9, stride: ci * 9 };
        transpose(isa, matrix, weights, &mut taps, padded);
        let mut transformed = zeros(PRODUCTS * ci * padded);
        // The parts of each block of output channels, product by product.
        let n_blocks = padded / block::<S>();
        let mut blocks: Vec<Vec<&mut [f32]>> = (0..n_blocks).map(|_| Vec::new()).collect();
        for (at, part) in transformed.chunks_exact_mut(ci * block::<S>()).enumerate() {
            blocks[at % n_blocks].push(part);
        }
        blocks.into_par_iter().enumerate().for_each(|(number, products)| {
            let first = number * block::<S>();
            isa.run(TransformBlock { taps: &taps, padded, first, products });
        });
        Filters { isa, shape, weights: weights.to_vec(), bias, transformed }
    }
}

/// A block of output channels.
struct TransformBlock<'a> {
    /// `[channels_in * 9, padded]`
    taps: &'a [f32],
    padded: usize,
    /// The first output channel.
    first: usize,
    /// For each product `[channels_in, block]`.
    products: Vec<&'a mut [f32]>,
}

impl WithSimd for TransformBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { taps, padded, first, mut products } = self;
        for (i, taps) in taps.chunks_exact(9 * padded).enumerate() {
            for within in (0..block::<S>()).step_by(S::F32_LANES) {
                let mut g = [[simd.splat_f32s(0.0); 3]; 3];
                for (ky, row) in g.iter_mut().enumerate() {
                    for (kx, value) in row.iter_mut().enumerate() {
                        *value = load(simd, taps, (ky * 3 + kx) * padded + first + within);
                    }
                }
                let u = winograd::filter(simd, g);
                for (product, to) in products.iter_mut().enumerate() {
                    let value = u[product / SIDE][product % SIDE];
                    store(simd, to, i * block::<S>() + within, value);
                }
            }
        }
    }
}
