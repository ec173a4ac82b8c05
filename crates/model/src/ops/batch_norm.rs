//! Batch normalisation by the batch's own statistics.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::module::RunningState;
use burn::nn::BatchNorm;
use burn::tensor::{Tensor, TensorData};
use kernels::{Isa, Moments};

use super::differentiable::{
    apply, channels_last, dims, floats, from_channels_last, register, tensor,
};

/// Normalises `x`, a tensor of an autodiff device, and moves the running statistics of `norm` towards those of `x`; with
/// `border` after a border of zeros, one pixel wide, as by [`pad`](super::pad()).
///
/// # Shapes
/// - `x`: `[batch, channels, height, width]`
/// - output: the same, with `border` two rows and two columns more
pub(crate) fn batch_norm(norm: &BatchNorm, border: bool, x: Tensor<4>) -> Tensor<4> {
    let epsilon = norm.epsilon as f32;
    let mut moments = None;
    let y = apply(
        Normalise { epsilon, border },
        x,
        norm.gamma.val(),
        norm.beta.val(),
        |[x, gamma, beta], keep| {
            let (x, gamma, beta) = (channels_last(x), gamma.to_contiguous(), beta.to_contiguous());
            let (isa, [n, height, width, channels]) = (Isa::best(), dims(&x));
            let sides = [height, width];
            let of_batch = match border {
                true => kernels::bordered_moments(isa, channels, sides, floats(&x)),
                false => kernels::moments(isa, channels, floats(&x)),
            };
            let layer = kernels::BatchNorm {
                gamma: floats(&gamma),
                beta: floats(&beta),
                mean: &of_batch.mean,
                variance: &of_batch.variance,
                epsilon,
            };
            let [rows, columns] = sides.map(|side| side + if border { 2 } else { 0 });
            let mut y = kernels::parallel_zeros(n * rows * columns * channels);
            match border {
                true => kernels::bordered_batch_norm(isa, layer, sides, floats(&x), &mut y),
                false => kernels::batch_norm(isa, layer, floats(&x), &mut y),
            }
            let y = from_channels_last(y, [n, rows, columns, channels]);
            moments = Some(of_batch.clone());
            (y, keep.then_some((x, gamma, of_batch)))
        },
    );
    if let Some(Moments { mean, variance }) = moments {
        update(&norm.running_mean, mean, norm.momentum);
        update(&norm.running_var, variance, norm.momentum);
    }
    y
}

/// Moves a running statistic towards a batch's, without delay, so that a checkpoint has the statistics of every step.
fn update(running: &RunningState<Tensor<1>>, of_batch: Vec<f32>, momentum: f64) {
    let before = running.value_sync();
    let n = of_batch.len();
    let of_batch = Tensor::<1>::from_data(TensorData::new(of_batch, [n]), &before.device());
    running.update(before * (1.0 - momentum) + of_batch * momentum);
    let _updated = running.value_sync();
}

/// The backward pass of [`batch_norm`].
#[derive(Debug)]
struct Normalise {
    epsilon: f32,
    border: bool,
}

impl Backward<Flex, 3> for Normalise {
    /// The input with its channels last, gamma, and the batch's statistics.
    type State = (FlexTensor, FlexTensor, Moments);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (x, gamma, moments) = &ops.state;
        let dy = channels_last(gradients.consume::<Flex>(&ops.node));
        let layer = kernels::BatchNormBackward {
            gamma: floats(gamma),
            mean: &moments.mean,
            variance: &moments.variance,
            epsilon: self.epsilon,
            x: floats(x),
            dy: floats(&dy),
        };
        let mut dx = kernels::parallel_zeros(floats(x).len());
        let [_, height, width, channels] = dims(x);
        let (dgamma, dbeta) = match self.border {
            true => {
                let sides = [height, width];
                kernels::bordered_batch_norm_backward(Isa::best(), layer, sides, &mut dx)
            }
            false => kernels::batch_norm_backward(Isa::best(), layer, &mut dx),
        };
        let dx = from_channels_last(dx, dims(x));
        let [dgamma, dbeta] = [dgamma, dbeta].map(|values| tensor(values, [channels]));
        register(gradients, &ops, [dx, dgamma, dbeta].map(Some));
    }
}
