//! The deeper network: its size, that kernels give what Burn's operations give, and that normalisation folds away.

#![allow(clippy::unwrap_used)]

use std::sync::{Mutex, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use model::{Network, NetworkConfig, Vgg, summary};
use run::Architecture;

/// Largest distance, as a part of the largest number of a tensor, that the order of sums in float32 can explain.
/// Normalisation divides by deviations that are such sums themselves.
const TOLERANCE: f32 = 1e-4;

/// Burn's random numbers are one stream for the process, so tests that draw take turns.
static RANDOM: Mutex<()> = Mutex::new(());

fn config(depth: usize, batch_norm: bool) -> NetworkConfig {
    NetworkConfig {
        architecture: Architecture::Vgg,
        depth,
        width: 8,
        hidden: 24,
        batch_norm,
        conv_dropout: 0.0,
        dense_dropout: 0.0,
        ..NetworkConfig::article(10, 33.3, 78.6)
    }
}

fn vgg(config: &NetworkConfig, device: &Device) -> Vgg {
    let _turn = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    Vgg::new(config, 7, device)
}

/// Strokes rather than noise: features that differ from channel to channel.
fn pictures(n: usize, device: &Device) -> Tensor<4> {
    let level = |at: usize| {
        let (picture, row, column) = (at / 784, at % 784 / 28, at % 28);
        let inked = (row * (picture % 5 + 1) + column * 3 + picture) % 17 < 5;
        if inked { 40.0 + ((at * 2_654_435_761) >> 7 & 127) as f32 } else { 0.0 }
    };
    let levels: Vec<f32> = (0..n * 784).map(level).collect();
    Tensor::from_data(TensorData::new(levels, [n, 1, 28, 28]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[track_caller]
fn assert_close(name: &str, left: &[f32], right: &[f32]) {
    assert_eq!(left.len(), right.len(), "{name}");
    let largest = right.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
    assert!(largest > 0.0, "{name} is all zeros, which tells nothing");
    for (at, (a, b)) in left.iter().zip(right).enumerate() {
        assert!((a - b).abs() <= TOLERANCE * largest, "{name}[{at}]: {a} and {b} of {largest}");
    }
}

/// The gradients of all parameters in the order of a walk through the module.
fn gradients(network: &Vgg, gradients: &Gradients) -> Vec<Vec<f32>> {
    struct Walk<'a>(&'a Gradients, Vec<Vec<f32>>);
    impl ModuleVisitor for Walk<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            // Running statistics have none.
            self.1.extend(param.val().grad(self.0).map(values));
        }
    }
    let mut walk = Walk(gradients, Vec::new());
    network.visit(&mut walk);
    walk.1
}

#[test]
fn it_has_the_parameters_it_says_and_the_summary_counts_them() {
    let _turn = RANDOM.lock().unwrap();
    // Normalised: two numbers more for each channel of 32 + 64 + 64, and of the fifth convolution's 64.
    for (depth, parameters, normalised, features) in
        [(4, 329_962, 320, 1024), (5, 252_202, 448, 576)]
    {
        let of = |batch_norm| {
            let config = NetworkConfig { width: 32, hidden: 256, ..config(depth, batch_norm) };
            Network::new(&config, 1, &Device::flex())
        };
        let plain = of(false);
        assert_eq!(plain.num_params(), parameters);
        assert_eq!(summary(&plain).parameters(), parameters);
        let table = summary(&of(true));
        assert_eq!(table.parameters(), parameters + normalised);
        let shapes: Vec<_> = table.0.iter().map(|layer| layer.output_shape.clone()).collect();
        assert!(
            shapes.contains(&vec![64, 10, 10]) && shapes.contains(&vec![features]),
            "{shapes:?}"
        );
    }
}

#[test]
fn training_by_kernels_is_training_by_burns_operations() {
    let device = Device::flex().autodiff();
    for (depth, batch_norm) in [(4, false), (4, true), (5, false), (5, true)] {
        let [kernels, burn] = [false, true].map(|burn_ops| {
            let vgg = vgg(&NetworkConfig { burn_ops, ..config(depth, batch_norm) }, &device);
            let logits = vgg.forward(pictures(6, &device));
            let loss =
                (logits.clone() * logits.clone().detach().sin() + logits.clone().square()).sum();
            let gradients = gradients(&vgg, &loss.backward());
            let running = vgg.norm2.as_ref().map_or(vec![1.0], |norm| {
                [values(norm.running_mean.value_sync()), values(norm.running_var.value_sync())]
                    .concat()
            });
            (values(logits), gradients, running)
        });
        assert_close("logits", &kernels.0, &burn.0);
        // Weights and biases, and two for each normalisation, which only the first convolution is without.
        let n_gradients = 2 * (depth + 2) + 2 * (depth - 1) * usize::from(batch_norm);
        assert_eq!((kernels.1.len(), burn.1.len()), (n_gradients, n_gradients));
        for (at, (kernels, burn)) in kernels.1.iter().zip(&burn.1).enumerate() {
            assert_close(
                &format!("gradient {at}, depth {depth}, normalised: {batch_norm}"),
                kernels,
                burn,
            );
        }
        assert_close("running statistics", &kernels.2, &burn.2);
    }
}

#[test]
fn folding_normalisation_changes_no_answer() {
    for depth in [4, 5] {
        folds(depth);
    }
}

fn folds(depth: usize) {
    let device = Device::flex().autodiff();
    let vgg = vgg(&config(depth, true), &device);
    // Statistics that are far from where they start, and weights that are far from one and nought.
    for n in [3, 5, 9] {
        let _moved = vgg.forward(pictures(n, &device) * n as f32);
    }
    struct Spread;
    impl burn::module::ModuleMapper for Spread {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if D > 1 {
                return param;
            }
            let n = param.val().dims()[0];
            let ramp: Vec<f32> = (0..n).map(|at| 0.4 + (at * 5 % 7) as f32 / 4.0).collect();
            let shape = param.val().shape();
            let ramp = Tensor::<1>::from_data(TensorData::new(ramp, [n]), &param.val().device());
            param.map(|values| values * ramp.reshape(shape.clone()) + 0.1)
        }
    }
    let vgg = vgg.valid().map(&mut Spread);
    let pixels = pictures(4, &Device::flex());
    let whole = values(vgg.forward(pixels.clone()));
    let folded = vgg.clone().folded();
    let norms = |vgg: &Vgg| {
        [&vgg.norm1, &vgg.norm2, &vgg.middle_norm, &vgg.norm3]
            .iter()
            .filter(|n| n.is_some())
            .count()
    };
    assert_eq!((norms(&vgg), norms(&folded)), (depth - 1, 0));
    assert_eq!(folded.middle.is_some(), depth == 5);
    assert_close("logits", &values(folded.forward(pixels.clone())), &whole);
    // Were the statistics left out, the answers would be others.
    let without = Vgg { norm1: None, ..vgg };
    assert_ne!(values(without.forward(pixels)), whole);
}
