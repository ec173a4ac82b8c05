//! The network of padded blocks: its layers for any size, that kernels give what Burn's operations give, and that padding
//! and normalisation fold away.

use burn::tensor::{Device, Tensor, TensorData};
use images::ImageShape;
use model::{Attribute, NetworkConfig, summary};
use run::{Architecture, NetworkSettings};

use crate::vgg::{folds, strokes};
use crate::{assert_close, assert_kernels_match_burn, network, values};

fn config(shape: ImageShape, blocks: usize) -> NetworkConfig {
    let config = NetworkConfig::article(5, shape, 110.0, 60.0);
    let settings = NetworkSettings {
        architecture: Architecture::Blocks,
        blocks,
        width: 4,
        conv_dropout: 0.0,
        ..run::Config::default().network
    };
    NetworkConfig { settings, mean: [120.0, 110.0, 90.0], std: [60.0, 50.0, 70.0], ..config }
}

const fn colours(height: usize, width: usize) -> ImageShape {
    ImageShape { channels: 3, height, width }
}

#[test]
fn there_are_as_many_blocks_as_the_size_allows() {
    for (height, width, n_blocks, last) in
        [(8, 8, 1, 8), (20, 32, 2, 16), (32, 32, 3, 32), (64, 64, 4, 64), (128, 128, 5, 64)]
    {
        let config = config(colours(height, width), 0);
        let table = summary(&config).unwrap();
        let outputs: Vec<_> = table.0.iter().map(|layer| layer.output_shape.clone()).collect();
        let pools = table.0.iter().filter(|layer| layer.layer.starts_with("MaxPool")).count();
        assert_eq!(pools, n_blocks, "{outputs:?}");
        assert!(outputs.contains(&vec![last, 1, 1]), "{outputs:?}");
    }
    // A convolution of four channels and two of eight, a normalisation after each, and the dense layer.
    let smallest = summary(&config(colours(8, 8), 0)).unwrap();
    let convolutions = (3 * 9 + 1) * 4 + (4 * 9 + 1) * 8 + (8 * 9 + 1) * 8;
    assert_eq!(smallest.parameters(), convolutions + 2 * (4 + 8 + 8) + (8 + 1) * 5);
}

/// Images without a flat region: there all four outputs of a pooling would be equal, and which one gets the gradient is
/// arbitrary.
fn noise(shape: ImageShape, n: usize, device: &Device) -> Tensor<4> {
    let levels = (0..n * shape.size()).map(|at| (at as u32).wrapping_mul(2_654_435_761) >> 24);
    let levels: Vec<f32> = levels.map(|level| level as f32).collect();
    let [channels, height, width] = shape.dimensions();
    Tensor::from_data(TensorData::new(levels, [n, channels, height, width]), device)
}

#[test]
fn training_by_kernels_is_training_by_burns_operations() {
    for shape in [colours(16, 12), ImageShape { channels: 1, ..colours(9, 17) }] {
        let images = noise(shape, 6, &Device::flex().autodiff());
        assert_kernels_match_burn(&config(shape, 2), &images, 3e-4);
        assert_kernels_match_burn(&whitening(shape), &images, 3e-4);
    }
}

fn whitening(shape: ImageShape) -> NetworkConfig {
    let config = config(shape, 2);
    let settings = NetworkSettings { whiten: true, ..config.settings };
    NetworkConfig { settings, ..config }
}

#[test]
fn a_convolution_that_whitens_has_eight_filters_a_channel_and_no_normalisation_after_it() {
    let shape = colours(16, 12);
    let table = summary(&whitening(shape)).unwrap();
    let rows: Vec<_> =
        table.0[1..4].iter().map(|row| (row.layer.as_str(), row.output_shape[0])).collect();
    assert_eq!(rows, [("Conv 3x3, ReLU", 24), ("Conv 3x3, ReLU", 8), ("MaxPool 2x2", 8)]);
    folds(&whitening(shape), 4);
}

#[test]
fn every_channel_is_standardised_by_its_own_statistics() {
    let shape = colours(8, 8);
    let device = Device::flex();
    let own = config(shape, 1);
    let pixels = strokes(shape, 3, &device);
    let channels = (0..3).map(|channel| {
        let plane = pixels.clone().slice([0..3, channel..channel + 1]);
        (plane - own.mean[channel]) / own.std[channel]
    });
    let by_hand = burn::tensor::Tensor::cat(channels.collect(), 1);
    let plain = NetworkConfig { mean: [0.0; 3], std: [1.0; 3], ..own };
    let [own, plain] = [own, plain].map(|config| network(&config, 9, &device));
    assert_close("logits", &values(own.forward(pixels)), &values(plain.forward(by_hand)), 1e-5);
}

#[test]
fn folding_padding_and_normalisation_changes_no_answer() {
    folds(&config(colours(16, 12), 2), 5);
    let network = network(&config(colours(16, 12), 2), 1, &Device::flex()).folded();
    let operators = network.operators();
    let is_conv = |name: &str| name.starts_with("conv");
    let convolutions = operators.iter().filter(|(name, _)| is_conv(name));
    for (name, operator) in convolutions {
        let pads = Attribute::Ints(vec![1; 4]);
        assert!(operator.attributes.contains(&("pads", pads)), "{name}");
    }
    let names: Vec<_> = operators.iter().map(|(name, _)| name.as_str()).collect();
    #[rustfmt::skip]
    assert_eq!(names, [
        "conv1", "relu1", "conv2", "relu2", "maxpool1", "conv3", "relu3", "conv4", "relu4", "maxpool2", "conv5", "relu5",
        "average1", "flatten1", "dense1",
    ]);
}
