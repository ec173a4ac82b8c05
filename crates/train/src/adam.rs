//! Adam: kiln's kernel on the CPU, Burn's own optimiser elsewhere.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use kernels::Isa;
use model::in_one_piece;
use run::Config;

/// Decay of the mean of gradients, Keras's default and the authors' (Kingma and Ba 2015, algorithm 1).
const BETA_1: f32 = 0.9;
/// Decay of the mean of squared gradients, likewise.
const BETA_2: f32 = 0.999;
/// Keras's default; Burn's own is 1e-5.
const EPSILON: f32 = 1e-7;

/// Adam as Keras sets it up, by kiln's kernel, or by Burn's own operations for comparison.
///
/// Both keep the same state, so a checkpoint does not tell which of them made it. Burn's has no decoupled weight decay,
/// which is why a configuration cannot ask for both.
pub(crate) fn adam(config: &Config) -> ModuleOptimizer {
    let adam = AdamConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
    if config.burn_ops {
        return adam.init();
    }
    KernelAdam { elsewhere: adam.build(), weight_decay: config.weight_decay as f32 }.into()
}

#[derive(Clone)]
struct KernelAdam {
    /// For tensors that the kernel does not reach.
    elsewhere: Adam,
    weight_decay: f32,
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
        let device = weights.device();
        if device != Device::flex() {
            return self.elsewhere.step(learning_rate, weights, gradients, state);
        }
        let state = state.map_or_else(
            || AdaptiveMomentumState::new(0, weights.zeros_like(), weights.zeros_like()),
            |state| state.momentum,
        );
        let time = state.time + 1;
        let gradients = primitive(gradients);
        let [mut weights, mut mean, mut mean_square] =
            [weights, state.moment_1, state.moment_2].map(primitive);
        let adam = kernels::Adam {
            learning_rate: learning_rate as f32,
            beta_1: BETA_1,
            beta_2: BETA_2,
            epsilon: EPSILON,
            // Biases and what normalisation multiplies by are vectors, and decay would only take them from where they
            // belong.
            weight_decay: if D > 1 { self.weight_decay } else { 0.0 },
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

fn primitive<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    in_one_piece(tensor.try_into_primitive::<Flex>().expect("the device was found to be flex"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::GradientsParams;

    use super::*;

    fn adam(burn_ops: bool) -> ModuleOptimizer {
        super::adam(&Config { burn_ops, ..Config::default() })
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
    fn the_kernel_steps_as_burn_does_and_goes_on_from_its_state() {
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let _drawn = weights(&layer);
        let (mut kernel, mut burn) = (adam(false), adam(true));
        let (mut by_kernel, mut by_burn) = (layer.clone(), layer.clone());
        for number in 0..6 {
            if number == 3 {
                // The states change sides.
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
        let way: f32 =
            weights(&layer).iter().zip(weights(&by_kernel)).map(|(a, b)| (a - b).abs()).sum();
        assert!(way > 1.0, "they moved by {way} in all, which tells nothing");
    }

    #[test]
    fn decay_takes_its_part_of_weights_and_leaves_biases_alone() {
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let before = weights(&layer);
        let decay = Config { weight_decay: 0.5, ..Config::default() };
        let decayed = weights(&step(&mut super::adam(&decay), layer.clone(), 1.0));
        let plain = weights(&step(&mut adam(false), layer, 1.0));
        let (n_weights, rate) = (40 * 9, 0.01);
        for (at, ((before, plain), decayed)) in before.iter().zip(plain).zip(decayed).enumerate() {
            let expected = if at < n_weights { rate * 0.5 * before } else { 0.0 };
            assert!((plain - decayed - expected).abs() < TOLERANCE, "{at}: {plain} {decayed}");
        }
    }

    #[test]
    fn weights_that_others_hold_stay_as_they_were() {
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let before = weights(&layer);
        let after = step(&mut adam(false), layer.clone(), 1.0);
        assert_eq!(weights(&layer), before);
        assert_ne!(weights(&after), before);
    }
}
