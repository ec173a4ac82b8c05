//! Adam: kiln's kernel on the CPU, Burn's own optimiser elsewhere.

use burn::backend::Flex;
use burn::optim::{
    Adam, AdamConfig, AdamState, AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState,
    ModuleOptimizer, Optimizer,
};
use burn::tensor::{Device, Tensor};
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
pub(crate) fn adam(config: &Config) -> ModuleOptimizer {
    let weight_decay = config.optimizer.weight_decay as f32;
    let adam = AdamConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
    let adam_w = AdamWConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
    let adam_w = adam_w.with_weight_decay(weight_decay).build();
    let kernels = !config.training.burn_ops;
    KernelAdam { kernels, weight_decay, adam: adam.build(), adam_w }.into()
}

#[derive(Clone)]
struct KernelAdam {
    /// Whether kernels step where they run.
    kernels: bool,
    weight_decay: f32,
    /// Burn's own, without weight decay.
    adam: Adam,
    /// Burn's own, with weight decay.
    adam_w: AdamW,
}

impl Optimizer for KernelAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: f64,
        weights: Tensor<D>,
        gradients: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
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

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Adam::to_device(state, device)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::GradientsParams;

    use super::*;

    fn adam(burn_ops: bool) -> ModuleOptimizer {
        adam_with_decay(burn_ops, 0.0)
    }

    fn adam_with_decay(burn_ops: bool, weight_decay: f64) -> ModuleOptimizer {
        let mut config = Config::default();
        config.training.burn_ops = burn_ops;
        config.optimizer.weight_decay = weight_decay;
        super::adam(&config)
    }

    fn step(optimizer: &mut ModuleOptimizer, layer: Linear, scale: f32) -> Linear {
        let x = Tensor::<2>::ones([3, 40], &Device::flex().autodiff()) * scale;
        let loss = layer.forward(x).square().sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        optimizer.step(0.01, layer, gradients)
    }

    fn weights(layer: &Linear) -> Vec<f32> {
        let weights: Vec<f32> = layer.weight.val().into_data().try_into_vec().unwrap();
        let bias: Vec<f32> = layer.bias.as_ref().unwrap().val().into_data().try_into_vec().unwrap();
        [weights, bias].concat()
    }

    /// Each step may round by some units in the last place of numbers around 1.
    const TOLERANCE: f32 = 1e-6;

    #[test]
    fn kernel_and_burn_make_the_same_steps_and_continue_from_each_others_state() {
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let _drawn = weights(&layer);
        let (mut kernel, mut burn) = (adam(false), adam(true));
        let (mut by_kernel, mut by_burn) = (layer.clone(), layer.clone());
        for number in 0..6 {
            if number == 3 {
                // Each continues from the other's state.
                let bytes = kernel.into_bytes().unwrap();
                kernel = adam(false).from_bytes(burn.into_bytes().unwrap()).unwrap();
                burn = adam(true).from_bytes(bytes).unwrap();
            }
            let scale = [1.0, -0.5, 0.01][number % 3];
            by_kernel = step(&mut kernel, by_kernel, scale);
            by_burn = step(&mut burn, by_burn, scale);
            for (kernel, burn) in weights(&by_kernel).iter().zip(weights(&by_burn)) {
                assert!((kernel - burn).abs() < TOLERANCE, "step {number}: {kernel} {burn}");
            }
        }
        let moved: f32 =
            weights(&layer).iter().zip(weights(&by_kernel)).map(|(a, b)| (a - b).abs()).sum();
        assert!(moved > 1.0, "the weights moved by only {moved} in all");
    }

    #[test]
    fn decay_shrinks_weights_by_its_fraction_and_leaves_biases_alone() {
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let before = weights(&layer);
        let (n_weights, rate) = (40 * 9, 0.01);
        for burn_ops in [false, true] {
            let mut optimizer = adam_with_decay(burn_ops, 0.5);
            let decayed = weights(&step(&mut optimizer, layer.clone(), 1.0));
            let plain = weights(&step(&mut adam(burn_ops), layer.clone(), 1.0));
            for (at, ((before, plain), decayed)) in
                before.iter().zip(plain).zip(decayed).enumerate()
            {
                let expected = if at < n_weights { rate * 0.5 * before } else { 0.0 };
                assert!((plain - decayed - expected).abs() < TOLERANCE, "{at}: {plain} {decayed}");
            }
        }
    }

    #[test]
    fn a_clone_of_the_layer_keeps_its_weights() {
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let before = weights(&layer);
        let after = step(&mut adam(false), layer.clone(), 1.0);
        assert_eq!(weights(&layer), before);
        assert_ne!(weights(&after), before);
    }
}
