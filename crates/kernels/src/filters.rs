//! Filters transformed for Winograd's convolution, in the order in which the products read them.

use pulp::{Simd, WithSimd};

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
    fn with_simd<S: Simd>(self, simd: S) -> Filters {
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
        for i in 0..ci {
            for o in (0..padded).step_by(S::F32_LANES) {
                let tap =
                    |ky: usize, kx: usize| load(simd, &taps, (i * 9 + ky * 3 + kx) * padded + o);
                let mut g = [[simd.splat_f32s(0.0); 3]; 3];
                for (ky, row) in g.iter_mut().enumerate() {
                    for (kx, value) in row.iter_mut().enumerate() {
                        *value = tap(ky, kx);
                    }
                }
                let u = winograd::filter(simd, g);
                let (number, within) = (o / block::<S>(), o % block::<S>());
                for product in 0..PRODUCTS {
                    let row = (product * (padded / block::<S>()) + number) * ci + i;
                    let value = u[product / SIDE][product % SIDE];
                    store(simd, &mut transformed, row * block::<S>() + within, value);
                }
            }
        }
        Filters { isa, shape, weights: weights.to_vec(), bias, transformed }
    }
}
