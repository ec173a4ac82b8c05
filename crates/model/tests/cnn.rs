//! The network is the article's: its size, its shapes, its first weights, its standardisation.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use model::{Cnn, INPUT_SIDE, Network, NetworkConfig, summary};

fn mnist() -> NetworkConfig {
    NetworkConfig::article(10, 33.325, 78.577)
}

/// Burn's random numbers are one stream for the process, so tests that make networks take turns.
static RANDOM: Mutex<()> = Mutex::new(());

fn cnn(config: &NetworkConfig, seed: u64) -> Cnn {
    let _turn = RANDOM.lock().unwrap();
    Cnn::new(config, seed, &Device::flex())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn ramp(batch: usize) -> Vec<f32> {
    (0..batch * INPUT_SIDE * INPUT_SIDE).map(|index| (index * 37 % 256) as f32).collect()
}

fn pictures(levels: Vec<f32>) -> Tensor<4> {
    let batch = levels.len() / (INPUT_SIDE * INPUT_SIDE);
    Tensor::from_data(TensorData::new(levels, [batch, 1, INPUT_SIDE, INPUT_SIDE]), &Device::flex())
}

#[test]
fn it_has_the_articles_parameters_and_the_summary_counts_them() {
    let cnn = Network::Article(cnn(&mnist(), 1));
    assert_eq!(cnn.num_params(), 1_199_882);
    let table = summary(&cnn);
    assert_eq!(table.parameters(), 1_199_882);
    assert_eq!(table.multiply_adds(), 11_992_448);
    let shapes: Vec<_> = table.0.iter().map(|layer| layer.output_shape.clone()).collect();
    assert!(shapes.contains(&vec![64, 24, 24]) && shapes.contains(&vec![9216]), "{shapes:?}");
    assert!(table.to_string().contains("1,199,882"), "{table}");
}

#[test]
fn any_batch_of_pictures_gives_a_row_of_logits_each() {
    let cnn = Network::Article(cnn(&NetworkConfig { n_classes: 7, ..mnist() }, 1));
    for batch in [1, 2, 5] {
        assert_eq!(cnn.forward(pictures(ramp(batch))).dims(), [batch, 7]);
    }
    assert_eq!(cnn.n_classes(), 7);
}

#[test]
fn weights_fill_the_interval_of_glorot_and_biases_are_zero() {
    let cnn = cnn(&mnist(), 3);
    let layers = [
        (values(cnn.conv1.weight.val()), 9 + 32 * 9),
        (values(cnn.conv2.weight.val()), 32 * 9 + 64 * 9),
        (values(cnn.dense1.weight.val()), 9216 + 128),
        (values(cnn.dense2.weight.val()), 128 + 10),
    ];
    for (weights, fans) in layers {
        let bound = (6.0 / fans as f32).sqrt();
        let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        assert!(largest <= bound && largest > 0.97 * bound, "{largest} {bound}");
        // A uniform distribution's variance is a third of its bound squared.
        let variance =
            weights.iter().map(|weight| weight * weight).sum::<f32>() / weights.len() as f32;
        assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.15, "{variance}");
    }
    let biases = [&cnn.conv1.bias, &cnn.conv2.bias, &cnn.dense1.bias, &cnn.dense2.bias];
    for bias in biases {
        assert!(values(bias.as_ref().unwrap().val()).iter().all(|&bias| bias == 0.0));
    }
}

#[test]
fn the_seed_alone_decides_the_weights() {
    let weights = |seed| values(cnn(&mnist(), seed).dense1.weight.val());
    assert_eq!(weights(5), weights(5));
    assert_ne!(weights(5), weights(6));
}

#[test]
fn grey_levels_are_standardised_by_the_training_statistics() {
    let raw = cnn(&mnist(), 9);
    let plain = cnn(&NetworkConfig { mean: 0.0, std: 1.0, ..mnist() }, 9);
    let levels = ramp(2);
    let standardised = levels
        .iter()
        .map(|level| ((f64::from(*level) - mnist().mean) / mnist().std) as f32)
        .collect();
    let expected = values(plain.forward(pictures(standardised)));
    let got = values(raw.forward(pictures(levels)));
    assert!(expected.iter().any(|logit| logit.abs() > 0.1), "{expected:?}");
    for (expected, got) in expected.iter().zip(&got) {
        assert!((expected - got).abs() < 1e-5, "{expected} {got}");
    }
}

#[test]
fn pictures_of_one_grey_level_give_finite_logits() {
    let flat = NetworkConfig::article(2, 7.0, 0.0);
    let logits = values(cnn(&flat, 1).forward(pictures(vec![7.0; 784])));
    assert!(logits.iter().all(|logit| logit.is_finite()), "{logits:?}");
}

#[test]
fn dropout_acts_in_training_alone() {
    let _turn = RANDOM.lock().unwrap();
    let device = Device::flex().autodiff();
    let training = Cnn::new(&mnist(), 2, &device);
    let batch = || Tensor::from_data(TensorData::new(ramp(1), [1, 1, 28, 28]), &device);
    assert_ne!(values(training.forward(batch())), values(training.forward(batch())));
    let inference = training.valid();
    assert_eq!(
        values(inference.forward(pictures(ramp(1)))),
        values(inference.forward(pictures(ramp(1))))
    );
}
