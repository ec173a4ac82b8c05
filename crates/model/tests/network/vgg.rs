//! The deeper network: its size, that kernels give what Burn's operations give, and that normalisation folds away.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use images::ImageShape;
use model::{Network, NetworkConfig, summary};
use run::{Architecture, NetworkSettings};

use crate::{assert_close, assert_kernels_match_burn, images, network, parameters, turn, values};

/// Largest distance, as a fraction of the largest number of a tensor, that the order of sums in float32 can explain.
/// Normalisation divides by deviations that are such sums themselves.
const TOLERANCE: f32 = 1e-4;

pub(crate) fn config(depth: usize, batch_norm: bool) -> NetworkConfig {
    let config = NetworkConfig::article(10, ImageShape::DIGIT, 33.3, 78.6);
    let settings = NetworkSettings {
        architecture: Architecture::Vgg,
        depth,
        width: 8,
        hidden: 24,
        batch_norm,
        conv_dropout: 0.0,
        dense_dropout: 0.0,
        ..run::Config::default().network
    };
    NetworkConfig { settings, ..config }
}

/// Strokes rather than noise: features that differ from channel to channel.
pub(crate) fn strokes(shape: ImageShape, n: usize, device: &Device) -> Tensor<4> {
    images(shape, n, device, |[image, channel, row, column]| {
        let at = (image * shape.size() + row * shape.width + column) * (channel + 1);
        let inked = (row * (image % 5 + 1) + column * (3 + channel) + image) % 17 < 5;
        if inked { 40.0 + ((at * 2_654_435_761) >> 7 & 127) as f32 } else { 0.0 }
    })
}

#[test]
fn it_has_the_documented_parameters_and_the_summary_counts_them() {
    // Normalised: two numbers more for each channel of 32 + 64 + 64, and of the fifth convolution's 64.
    for (depth, parameters, normalised, features) in
        [(4, 329_962, 320, 1024), (5, 252_202, 448, 576)]
    {
        let of = |batch_norm| {
            let config = config(depth, batch_norm);
            let settings = NetworkSettings { width: 32, hidden: 256, ..config.settings };
            NetworkConfig { settings, ..config }
        };
        assert_eq!(network(&of(false), 1, &Device::flex()).num_params(), parameters);
        assert_eq!(summary(&of(false)).unwrap().parameters(), parameters);
        let table = summary(&of(true)).unwrap();
        assert_eq!(table.parameters(), parameters + normalised);
        let shapes: Vec<_> = table.0.iter().map(|layer| layer.output_shape.clone()).collect();
        assert!(
            shapes.contains(&vec![64, 10, 10]) && shapes.contains(&vec![features]),
            "{shapes:?}"
        );
    }
}

#[test]
fn layers_are_named_by_kind_and_number() {
    let with_weights = |depth| -> Vec<String> {
        let operators = network(&config(depth, true), 1, &Device::flex()).operators();
        let with_weights = operators.into_iter().filter(|(_, op)| !op.weights.is_empty());
        with_weights.map(|(name, _)| name).collect()
    };
    assert_eq!(
        with_weights(4),
        [
            "conv1",
            "conv2",
            "batch_norm1",
            "conv3",
            "batch_norm2",
            "conv4",
            "batch_norm3",
            "dense1",
            "dense2"
        ]
    );
    assert_eq!(
        with_weights(5),
        [
            "conv1",
            "conv2",
            "batch_norm1",
            "conv3",
            "batch_norm2",
            "middle",
            "batch_norm3",
            "conv4",
            "batch_norm4",
            "dense1",
            "dense2"
        ]
    );
}

#[test]
fn training_by_kernels_is_training_by_burns_operations() {
    let images = strokes(ImageShape::DIGIT, 6, &Device::flex().autodiff());
    for (depth, batch_norm) in [(4, false), (4, true), (5, false), (5, true)] {
        assert_kernels_match_burn(&config(depth, batch_norm), &images, TOLERANCE);
    }
}

#[test]
fn folding_normalisation_changes_no_answer() {
    for depth in [4, 5] {
        folds(&config(depth, true), depth - 1);
    }
}

/// That the network without its `n_norms` normalisations gives the answers of the whole one.
pub(crate) fn folds(config: &NetworkConfig, n_norms: usize) {
    let device = Device::flex().autodiff();
    let images = |n, device: &Device| strokes(config.shape, n, device);
    let network = network(config, 7, &device);
    let _turn = turn();
    // Statistics that are far from where they start, and weights that are far from 0 and 1.
    for n in [3, 5, 9] {
        let _moved = network.forward(images(n, &device) * n as f32);
    }
    struct Spread;
    impl ModuleMapper for Spread {
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
    let network = network.valid().map(&mut Spread);
    let pixels = images(4, &Device::flex());
    let whole = values(network.forward(pixels.clone()));
    let folded = network.clone().folded();
    let norms = |network: &Network| {
        network.operators().iter().filter(|(name, _)| name.starts_with("batch_norm")).count()
    };
    assert_eq!((norms(&network), norms(&folded)), (n_norms, 0));
    assert!(!parameters(&folded).iter().any(|(path, _)| path.contains("BatchNorm")));
    assert_close("logits", &values(folded.forward(pixels.clone())), &whole, TOLERANCE);
    let by_burn = folded.with_burn_ops();
    assert_close("logits by Burn", &values(by_burn.forward(pixels.clone())), &whole, TOLERANCE);
    // Without the statistics the answers would differ.
    struct Unmoved;
    impl ModuleMapper for Unmoved {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if D > 1 { param } else { param.map(|values| values.ones_like()) }
        }
    }
    assert_ne!(values(network.map(&mut Unmoved).forward(pixels)), whole);
}
