//! The optimiser: which parameters take steps of Adam and which of Muon, and what it remembers of both.

use burn::optim::{
    AdamState, ModuleOptimizer, Muon, MuonState, Optimizer, RecordState, StateSink, StateSource,
};
use burn::tensor::{Device, Tensor};
use run::{Config, Optimizer as Method};

use crate::adam::{Adam, adam};
use crate::muon::{self, muon};

/// The optimiser that `config` asks for: Adam, or Muon for the filters of convolutions and Adam for everything else.
pub(crate) fn optimizer(config: &Config) -> ModuleOptimizer {
    let settings = &config.optimizer;
    let muon = (settings.optimizer == Method::Muon).then(|| muon(settings.weight_decay as f32));
    AdamAndMuon { adam: adam(config), muon }.into()
}

#[derive(Clone)]
struct AdamAndMuon {
    adam: Adam,
    /// For the filters of convolutions; none where Adam moves them too.
    muon: Option<Muon>,
}

/// What is remembered of a parameter's gradients.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "a network has some tens of parameters")]
enum State<const D: usize> {
    Adam(AdamState<D>),
    Muon(MuonState<2>),
}

/// Dimensions of a convolution's filters, `[channels out, channels in, height, width]`.
const FILTERS: usize = 4;

impl Optimizer for AdamAndMuon {
    type State<const D: usize> = State<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: f64,
        weights: Tensor<D>,
        gradients: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        if let (Some(muon), FILTERS) = (&self.muon, D) {
            let state = state.and_then(|state| match state {
                State::Muon(state) => Some(state),
                State::Adam(_) => None,
            });
            let (weights, state) = muon::step(muon, learning_rate, weights, gradients, state);
            return (weights, state.map(State::Muon));
        }
        let state = state.and_then(|state| match state {
            State::Adam(state) => Some(state),
            State::Muon(_) => None,
        });
        let (weights, state) = self.adam.step(learning_rate, weights, gradients, state);
        (weights, state.map(State::Adam))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        match state {
            State::Adam(state) => State::Adam(burn::optim::Adam::to_device(state, device)),
            State::Muon(state) => State::Muon(Muon::to_device(state, device)),
        }
    }
}

/// Each under its own names, which no name of the other is.
impl<const D: usize> RecordState for State<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        match self {
            Self::Adam(state) => state.state_flatten(prefix, out),
            Self::Muon(state) => state.state_flatten(prefix, out),
        }
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let muon = MuonState::state_unflatten(prefix, source, device).map(Self::Muon);
        muon.or_else(|| AdamState::state_unflatten(prefix, source, device).map(Self::Adam))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::nn::conv::{Conv2d, Conv2dConfig};
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::GradientsParams;
    use burn::tensor::Tensor;

    use super::*;
    use crate::tests::turn;

    fn adam(burn_ops: bool) -> ModuleOptimizer {
        adam_with_decay(burn_ops, 0.0)
    }

    fn adam_with_decay(burn_ops: bool, weight_decay: f64) -> ModuleOptimizer {
        let mut config = Config::default();
        config.training.burn_ops = burn_ops;
        config.optimizer.weight_decay = weight_decay;
        optimizer(&config)
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
        let _turn = turn();
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
        let _turn = turn();
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
        let _turn = turn();
        let layer = LinearConfig::new(40, 9).init(&Device::flex().autodiff());
        let before = weights(&layer);
        let after = step(&mut adam(false), layer.clone(), 1.0);
        assert_eq!(weights(&layer), before);
        assert_ne!(weights(&after), before);
    }

    /// Muon for filters of a convolution from 3 channels to 8, and the gradients that its steps are given.
    fn muon() -> (ModuleOptimizer, Conv2d) {
        let mut config = Config::default();
        config.optimizer.optimizer = Method::Muon;
        let _turn = turn();
        let layer = Conv2dConfig::new([3, 8], [3, 3]).init(&Device::flex().autodiff());
        let _drawn = filters(&layer);
        (optimizer(&config), layer)
    }

    fn filters(layer: &Conv2d) -> Vec<f32> {
        layer.weight.val().into_data().try_into_vec().unwrap()
    }

    /// A step by gradients that have no direction in common.
    fn step_of_filters(optimizer: &mut ModuleOptimizer, layer: Conv2d, number: i32) -> Conv2d {
        let factors = Tensor::<1, burn::tensor::Int>::arange(0..8 * 27, &layer.weight.device());
        let factors = (factors.float().square() * (number + 2)).sin().reshape([8, 3, 3, 3]);
        let loss = (layer.weight.val() * factors).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        optimizer.step(0.01, layer, gradients)
    }

    #[test]
    fn muon_moves_filters_as_far_in_every_direction() {
        let (mut optimizer, layer) = muon();
        let before = filters(&layer);
        let after = filters(&step_of_filters(&mut optimizer, layer, 0));
        let change: Vec<f64> =
            before.iter().zip(after).map(|(before, after)| f64::from(before - after)).collect();
        // Equation 4 of Liu and others for a matrix of 8 rows and 27 columns.
        let length = 0.01 * 0.2 * 27_f64.sqrt();
        for (i, row) in change.chunks_exact(27).enumerate() {
            for (j, other) in change.chunks_exact(27).enumerate() {
                let product =
                    row.iter().zip(other).map(|(a, b)| a * b).sum::<f64>() / length.powi(2);
                // Five iterations bring singular values to 1 within a third (Jordan and others 2024).
                let expected = if i == j { 0.4..1.6 } else { -0.4..0.4 };
                assert!(expected.contains(&product), "rows {i} and {j}: {product}");
            }
        }
    }

    #[test]
    fn muon_continues_from_its_record() {
        let (mut optimizer, layer) = muon();
        let layer = step_of_filters(&mut optimizer, layer, 0);
        let (fresh, _) = muon();
        let mut restored = fresh.clone().from_bytes(optimizer.into_bytes().unwrap()).unwrap();
        let [on, again, without] = [&mut optimizer, &mut restored, &mut fresh.clone()]
            .map(|optimizer| filters(&step_of_filters(optimizer, layer.clone(), 1)));
        assert_eq!(on, again);
        assert_ne!(on, without);
    }
}
