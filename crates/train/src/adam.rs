//! Adam: kiln's kernel on the CPU, Burn's own optimiser elsewhere.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::optim::{
    Adam, AdamConfig, AdamState, AdaptiveMomentumState, ModuleOptimizer, Optimizer,
};
use burn::tensor::{Device, Tensor};
use kernels::Isa;

/// Decay of the mean of gradients, Keras's default and the authors' (Kingma and Ba 2015, algorithm 1).
const BETA_1: f32 = 0.9;
/// Decay of the mean of squared gradients, likewise.
const BETA_2: f32 = 0.999;
/// Keras's default; Burn's own is 1e-5.
const EPSILON: f32 = 1e-7;

/// Adam as Keras sets it up, by kiln's kernel, or by Burn's own operations for comparison.
///
/// Both keep the same state, so a checkpoint does not tell which of them made it.
pub(crate) fn adam(burn_ops: bool) -> ModuleOptimizer {
    let config =
        AdamConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
    if burn_ops { config.init() } else { KernelAdam { elsewhere: config.build() }.into() }
}

#[derive(Clone)]
struct KernelAdam {
    /// For tensors that the kernel does not reach.
    elsewhere: Adam,
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
        let [weights, mean, mean_square] = [weights, mean, mean_square].map(Tensor::from_primitive::<Flex>);
        let state = AdaptiveMomentumState::new(time, mean, mean_square);
        (weights, Some(AdamState::new(state)))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Adam::to_device(state, device)
    }
}

/// The tensor as `flex` has it, in one piece that is all of its memory.
fn primitive<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    let tensor = tensor.try_into_primitive::<Flex>().expect("the device was found to be flex");
    // Where nothing has to be copied, a second handle on the memory would make writing to it copy it.
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}
