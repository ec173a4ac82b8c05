//! A border of zeros.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::differentiable::{
    channels_last, dims, floats, from_channels_last, inner, register, tracked,
};

/// A border of zeros, one pixel wide, around every map.
///
/// # Shapes
/// - `x`: `[batch, channels, height, width]`
/// - output: `[batch, channels, height + 2, width + 2]`
pub(crate) fn pad(x: Tensor<4>) -> Tensor<4> {
    if !x.is_autodiff() {
        return Tensor::from_primitive::<Flex>(padded(inner(x)));
    }
    let (x, node) = tracked(x).into_parts();
    let y = padded(x);
    let y = match (Border.prepare::<NoCheckpointing>([node]).compute_bound()).stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((), y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(y)
}

fn padded(x: FlexTensor) -> FlexTensor {
    let x = channels_last(x);
    let [n, height, width, channels] = dims(&x);
    let row = (width + 2) * channels;
    let mut y = kernels::parallel_zeros(n * (height + 2) * row);
    let images = floats(&x).par_chunks_exact(height * width * channels);
    y.par_chunks_exact_mut((height + 2) * row).zip(images).for_each(|(y, x)| {
        for (y, x) in y[row..].chunks_exact_mut(row).zip(x.chunks_exact(width * channels)) {
            y[channels..][..x.len()].copy_from_slice(x);
        }
    });
    from_channels_last(y, [n, height + 2, width + 2, channels])
}

/// The backward pass of [`pad`]: the gradient without its border.
#[derive(Debug)]
struct Border;

impl Backward<Flex, 1> for Border {
    type State = ();

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let dy = channels_last(gradients.consume::<Flex>(&ops.node));
        let [n, rows, columns, channels] = dims(&dy);
        let (height, width, row) = (rows - 2, columns - 2, columns * channels);
        let mut dx = kernels::parallel_zeros(n * height * width * channels);
        let images = floats(&dy).par_chunks_exact(rows * row);
        dx.par_chunks_exact_mut(height * width * channels).zip(images).for_each(|(dx, dy)| {
            for (dx, dy) in dx.chunks_exact_mut(width * channels).zip(dy[row..].chunks_exact(row)) {
                dx.copy_from_slice(&dy[channels..][..dx.len()]);
            }
        });
        register(gradients, &ops, [Some(from_channels_last(dx, [n, height, width, channels]))]);
    }
}
