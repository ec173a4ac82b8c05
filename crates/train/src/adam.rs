//! Adam: kiln's kernel on the CPU, Burn's own optimiser elsewhere.

use burn::backend::Flex;
use burn::optim::{
    AdamConfig, AdamState, AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer,
};
use burn::tensor::Tensor;
use kernels::Isa;
use model::{flex_values, kernels_run_on};
use run::Config;

/// Decay of the mean of gradients, Keras's default and the authors' (Kingma and Ba 2015, algorithm 1).
const BETA_1: f32 = 0.9;
/// Decay of the mean of squared gradients, likewise.
const BETA_2: f32 = 0.999;
/// Keras's default; Burn's own is 1e-5.
const EPSILON: f32 = 1e-7;

/// Adam with Keras's defaults and decoupled weight decay, by kiln's kernel or, with `burn_ops` or on another device, by
/// Burn's own operations.
///
/// Both keep the same state, so a checkpoint does not depend on which of them wrote it.
pub(crate) fn adam(config: &Config) -> Adam {
    let weight_decay = config.optimizer.weight_decay as f32;
    let adam = AdamConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
    let adam_w = AdamWConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
    let adam_w = adam_w.with_weight_decay(weight_decay).build();
    let kernels = !config.training.burn_ops;
    Adam { kernels, weight_decay, adam: adam.build(), adam_w }
}

/// Adam by kiln's kernel where it runs, else by Burn's own operations.
#[derive(Clone)]
pub(crate) struct Adam {
    /// Whether kernels step where they run.
    kernels: bool,
    weight_decay: f32,
    /// Burn's own, without weight decay.
    adam: burn::optim::Adam,
    /// Burn's own, with weight decay.
    adam_w: AdamW,
}

impl Adam {
    /// One step; without a `state` the first.
    pub(crate) fn step<const D: usize>(
        &self,
        learning_rate: f64,
        weights: Tensor<D>,
        gradients: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        // Biases, and the factors and offsets of normalisation, are vectors: decay towards 0 would only harm them.
        let weight_decay = if D > 1 { self.weight_decay } else { 0.0 };
        if !(self.kernels && kernels_run_on(&weights.device())) {
            if weight_decay == 0.0 {
                return self.adam.step(learning_rate, weights, gradients, state);
            }
            let state = state.map(|state| AdamWState::new(state.momentum));
            let (weights, state) = self.adam_w.step(learning_rate, weights, gradients, state);
            return (weights, state.map(|state| AdamState::new(state.momentum)));
        }
        let state = state.map_or_else(
            || AdaptiveMomentumState::new(0, weights.zeros_like(), weights.zeros_like()),
            |state| state.momentum,
        );
        let time = state.time + 1;
        let gradients = flex_values(gradients);
        let [mut weights, mut mean, mut mean_square] =
            [weights, state.moment_1, state.moment_2].map(flex_values);
        let adam = kernels::Adam {
            learning_rate: learning_rate as f32,
            beta_1: BETA_1,
            beta_2: BETA_2,
            epsilon: EPSILON,
            weight_decay,
        };
        kernels::adam(
            Isa::best(),
            adam,
            time as i32,
            gradients.storage(),
            weights.storage_mut(),
            mean.storage_mut(),
            mean_square.storage_mut(),
        );
        let [weights, mean, mean_square] =
            [weights, mean, mean_square].map(Tensor::from_primitive::<Flex>);
        let state = AdaptiveMomentumState::new(time, mean, mean_square);
        (weights, Some(AdamState::new(state)))
    }
}
