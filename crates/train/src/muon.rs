//! Muon for the filters of convolutions, by Burn's own optimiser.

use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdjustLrFn, Muon, MuonConfig, MuonState, Optimizer};
use burn::tensor::Tensor;

/// Decay of the sum of gradients, and Newton and Schulz's iterations: those of Jordan's record for CIFAR-10 are 0.6 and 3,
/// at 200 steps of 2,000 images. Smaller batches are noisier and want a longer memory.
const MOMENTUM: f64 = 0.95;
const ITERATIONS: usize = 5;

/// Muon (Jordan and others 2024, "Muon: An optimizer for hidden layers in neural networks"): the momentum of the gradients,
/// made orthogonal. Its steps are scaled to the size of Adam's (Liu and others 2025, "Muon is scalable for LLM training",
/// equation 4), so that both have one learning rate and one weight decay.
pub(crate) fn muon(weight_decay: f32) -> Muon {
    let momentum =
        MomentumConfig::new().with_momentum(MOMENTUM).with_dampening(0.0).with_nesterov(true);
    let decay = burn::optim::decay::WeightDecayConfig::new(weight_decay);
    MuonConfig::new()
        .with_momentum(momentum)
        .with_weight_decay(Some(decay))
        .with_ns_steps(ITERATIONS)
        .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW)
        .build()
}

/// A step for filters `[channels out, channels in, height, width]`: each is a row of a matrix.
pub(crate) fn step<const D: usize>(
    muon: &Muon,
    learning_rate: f64,
    weights: Tensor<D>,
    gradients: Tensor<D>,
    state: Option<MuonState<2>>,
) -> (Tensor<D>, Option<MuonState<2>>) {
    let shape = weights.shape();
    let matrix = [shape[0], shape.num_elements() / shape[0]];
    let (weights, state) =
        muon.step(learning_rate, weights.reshape(matrix), gradients.reshape(matrix), state);
    (weights.reshape(shape), state)
}
