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

/// Normalises `x`, a tensor of an autodiff device, and moves the running statistics of `norm` towards those of `x`.
///
/// # Shapes
/// - `x`, output: `[batch, channels, height, width]`
pub(crate) fn batch_norm(norm: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    let epsilon = norm.epsilon as f32;
    let mut moments = None;
    let y = apply(
        Normalise { epsilon },
        x,
        norm.gamma.val(),
        norm.beta.val(),
        |[x, gamma, beta], keep| {
            let (x, gamma, beta) = (channels_last(x), gamma.to_contiguous(), beta.to_contiguous());
            let isa = Isa::best();
            let of_batch = kernels::moments(isa, gamma.layout().num_elements(), floats(&x));
            let layer = kernels::BatchNorm {
                gamma: floats(&gamma),
                beta: floats(&beta),
                mean: &of_batch.mean,
                variance: &of_batch.variance,
                epsilon,
            };
            let mut y = kernels::parallel_zeros(floats(&x).len());
            kernels::batch_norm(isa, layer, floats(&x), &mut y);
            let [n, rows, columns, channels] = dims(&x);
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
        let (dgamma, dbeta) = kernels::batch_norm_backward(Isa::best(), layer, &mut dx);
        let channels = dgamma.len();
        let dx = from_channels_last(dx, dims(x));
        let [dgamma, dbeta] = [dgamma, dbeta].map(|values| tensor(values, [channels]));
        register(gradients, &ops, [dx, dgamma, dbeta].map(Some));
    }
}
