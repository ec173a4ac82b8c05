//! The network is the article's: its size, its shapes, its first weights, its standardisation.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use images::ImageShape;
use model::{NetworkConfig, summary};

use crate::{images, network, parameters, turn, values};

const SHAPE: ImageShape = ImageShape::DIGIT;

fn mnist() -> NetworkConfig {
    NetworkConfig::article(10, SHAPE, 33.325, 78.577)
}

fn ramp(batch: usize, device: &Device) -> Tensor<4> {
    images(SHAPE, batch, device, |[image, _, row, column]| {
        ((image * SHAPE.size() + row * SHAPE.width + column) * 37 % 256) as f32
    })
}

#[test]
fn it_has_the_articles_parameters_and_the_summary_counts_them() {
    assert_eq!(network(&mnist(), 1, &Device::flex()).num_params(), 1_199_882);
    let table = summary(&mnist()).unwrap();
    assert_eq!(table.parameters(), 1_199_882);
    assert_eq!(table.multiply_adds(), 11_992_448);
    let rows: Vec<_> =
        table.0.iter().map(|row| (row.layer.as_str(), &row.output_shape[..])).collect();
    let expected: [(&str, &[usize]); 9] = [
        ("Input, standardised", &[1, 28, 28]),
        ("Conv 3x3, ReLU", &[32, 26, 26]),
        ("Conv 3x3, ReLU", &[64, 24, 24]),
        ("MaxPool 2x2", &[64, 12, 12]),
        ("Dropout 0.25", &[64, 12, 12]),
        ("Flatten", &[9216]),
        ("Dense, ReLU", &[128]),
        ("Dropout 0.5", &[128]),
        ("Dense, logits", &[10]),
    ];
    assert_eq!(rows, expected);
    assert!(table.to_string().contains("1,199,882"), "{table}");
}

#[test]
fn any_batch_of_images_gives_a_row_of_logits_each() {
    let network = network(&NetworkConfig { n_classes: 7, ..mnist() }, 1, &Device::flex());
    for batch in [1, 2, 5] {
        assert_eq!(network.forward(ramp(batch, &Device::flex())).dims(), [batch, 7]);
    }
    assert_eq!((network.n_classes(), network.shape()), (7, SHAPE));
}

#[test]
fn weights_fill_the_interval_of_glorot_and_biases_are_zero() {
    let parameters = parameters(&network(&mnist(), 3, &Device::flex()));
    let fans = [9 + 32 * 9, 32 * 9 + 64 * 9, 9216 + 128, 128 + 10];
    assert_eq!(parameters.len(), 2 * fans.len());
    for (layer, fans) in parameters.chunks_exact(2).zip(fans) {
        let [(path, weights), (bias_path, bias)] = layer else { panic!("{layer:?}") };
        assert!(path.ends_with(".weight") && bias_path.ends_with(".bias"), "{path} {bias_path}");
        let bound = (6.0 / fans as f32).sqrt();
        let largest = weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        assert!(largest <= bound && largest > 0.97 * bound, "{largest} {bound}");
        // A uniform distribution's variance is a third of its bound squared.
        let variance =
            weights.iter().map(|weight| weight * weight).sum::<f32>() / weights.len() as f32;
        assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.15, "{variance}");
        assert!(bias.iter().all(|&bias| bias == 0.0));
    }
}

#[test]
fn the_seed_alone_decides_the_weights() {
    let weights = |seed| parameters(&network(&mnist(), seed, &Device::flex()));
    assert_eq!(weights(5), weights(5));
    assert_ne!(weights(5), weights(6));
}

#[test]
fn grey_levels_are_standardised_by_the_training_statistics() {
    let device = Device::flex();
    let raw = network(&mnist(), 9, &device);
    let plain = network(&NetworkConfig { mean: [0.0; 3], std: [1.0; 3], ..mnist() }, 9, &device);
    let levels = ramp(2, &device);
    let standardised = values(levels.clone())
        .iter()
        .map(|level| ((f64::from(*level) - mnist().mean[0]) / mnist().std[0]) as f32)
        .collect::<Vec<_>>();
    let standardised = Tensor::from_data(TensorData::new(standardised, levels.dims()), &device);
    let expected = values(plain.forward(standardised));
    let found = values(raw.forward(levels));
    assert!(expected.iter().any(|logit| logit.abs() > 0.1), "{expected:?}");
    for (expected, found) in expected.iter().zip(&found) {
        assert!((expected - found).abs() < 1e-5, "{expected} {found}");
    }
}

#[test]
fn images_of_one_grey_level_give_finite_logits() {
    let flat = NetworkConfig::article(2, SHAPE, 7.0, 0.0);
    let image = images(SHAPE, 1, &Device::flex(), |_| 7.0);
    let logits = values(network(&flat, 1, &Device::flex()).forward(image));
    assert!(logits.iter().all(|logit| logit.is_finite()), "{logits:?}");
}

#[test]
fn dropout_acts_in_training_alone() {
    let device = Device::flex().autodiff();
    let training = network(&mnist(), 2, &device);
    let _turn = turn();
    let forward = || values(training.forward(ramp(1, &device)));
    assert_ne!(forward(), forward());
    let inference = training.valid();
    let forward = || values(inference.forward(ramp(1, &Device::flex())));
    assert_eq!(forward(), forward());
}
