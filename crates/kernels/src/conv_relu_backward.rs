//! Gradients of [`conv_relu`](crate::conv_relu).

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::buffer::{Buffer, zeros};
use crate::entries::Places;
use crate::filter_gradients::OfFilters;
use crate::filter_rows::FilterRows;
use crate::gradients;
use crate::group::{GROUP, Gradients, groups, sum};
use crate::isa::Isa;
use crate::reference::{self, wide};
use crate::shape::Shape;
use crate::tiled_backward::{self, Gradient, gradients_go_by_tiles};
use crate::transpose::{Matrix, transpose};

/// The inputs of a convolution's backward pass.
#[derive(Clone, Copy, Debug)]
pub struct ConvBackward<'a> {
    /// Shape of the convolution.
    pub shape: Shape,
    /// `[channels_out, channels_in, 3, 3]`
    pub weights: &'a [f32],
    /// The input `[n, height, width, channels_in]`.
    pub x: &'a [f32],
}

/// Gradients of [`conv_relu`](crate::conv_relu) on rayon's threads, from its output `y` and the gradient `dy` of that.
///
/// Sums over images are computed in a fixed order, whatever the number of threads.
///
/// # Shapes
/// - `y`, `dy`: `[n, height - 2, width - 2, channels_out]`
/// - `dx`: `[n, height, width, channels_in]` where it is wanted; its previous content is overwritten
/// - output: gradients of the weights and of the biases, in the weights' and biases' layouts
///
/// # Panics
/// If the lengths do not match.
#[must_use]
pub fn conv_relu_backward(
    isa: Isa,
    conv: ConvBackward,
    y: &[f32],
    dy: &[f32],
    mut dx: Option<&mut [f32]>,
) -> (Vec<f32>, Vec<f32>) {
    let (input, output) = (conv.shape.input(), conv.shape.output());
    let n = conv.x.len() / input;
    assert_eq!(conv.weights.len(), conv.shape.weights());
    assert_eq!([conv.x.len(), y.len(), dy.len()], [n * input, n * output, n * output]);
    if let Some(dx) = &dx {
        assert_eq!(dx.len(), conv.x.len());
    }
    if gradients_go_by_tiles(conv.shape)
        && let Some(gradients) =
            tiled_backward::backward(isa, conv, Gradient::Relu(y, dy), dx.as_deref_mut())
    {
        return gradients;
    }
    let outputs = y.par_chunks(GROUP * output).zip(dy.par_chunks(GROUP * output));
    let images = groups(conv.x, input).zip(outputs);
    let gradients: Vec<Gradients> =
        images.map(|(x, (y, dy))| isa.run(OfFilters { shape: conv.shape, x, y, dy })).collect();
    if let Some(dx) = dx {
        let filters = &FilterRows::new(isa, conv.shape, conv.weights);
        let outputs = groups(y, output).zip(dy.par_chunks(GROUP * output));
        dx.par_chunks_mut(GROUP * input)
            .zip(outputs)
            .for_each(|(dx, (y, dy))| isa.run(OfImages { conv, filters, y, dy, dx }));
    }
    let Shape { channels_in: ci, channels_out: co, .. } = conv.shape;
    let Some(Gradients { dw, db }) = sum(gradients) else {
        return (vec![0.0; conv.weights.len()], vec![0.0; co]);
    };
    // From [9, channels_in, padded channels_out] by way of [channels_out, 9, channels_in].
    let matrix = Matrix { rows: 9 * ci, columns: co, stride: db.len() };
    let mut by_tap = vec![0.0; conv.weights.len()];
    transpose(isa, matrix, &dw, &mut by_tap, 9 * ci);
    let mut by_channel = vec![0.0; conv.weights.len()];
    let filters = by_channel.chunks_exact_mut(9 * ci).zip(by_tap.chunks_exact(9 * ci));
    for (to, from) in filters {
        for (i, to) in to.chunks_exact_mut(9).enumerate() {
            (0..9).for_each(|tap| to[tap] = from[tap * ci + i]);
        }
    }
    (by_channel, db[..co].to_vec())
}

struct OfImages<'a> {
    conv: ConvBackward<'a>,
    filters: &'a FilterRows,
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl WithSimd for OfImages<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { conv: ConvBackward { shape, weights, .. }, filters, y, dy, dx } = self;
        let FilterRows { ref filters, pixel, finite } = *filters;
        let mut plane: Buffer = zeros(shape.height * shape.width * pixel);
        let mut places = Places::new(shape);
        let outputs = y.chunks_exact(shape.output()).zip(dy.chunks_exact(shape.output()));
        for (dx, (y, dy)) in dx.chunks_exact_mut(shape.input()).zip(outputs) {
            if !finite {
                by_formula(shape, weights, y, dy, dx);
                continue;
            }
            places.list(shape, y, dy);
            plane.fill(0.0);
            gradients::of_image(simd, shape, &mut places, filters, pixel, &mut plane);
            gradients::unpad(shape.channels_in, &plane, pixel, dx);
        }
    }
}

/// With a weight that is not finite, not even products with a gradient of 0 may be skipped.
fn by_formula(shape: Shape, weights: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let x = vec![0.0; shape.input()];
    let gradients = reference::conv_relu_backward(shape, &wide(weights), &x, &wide(y), &wide(dy));
    dx.iter_mut().zip(gradients.dx).for_each(|(dx, exact)| *dx = exact as f32);
}
