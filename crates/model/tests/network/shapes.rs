//! Images of any shape: the layers follow from it, or an error says that the images are too small.

use burn::tensor::Device;
use images::ImageShape;
use model::{Error, Network, NetworkConfig, Shape, memory, summary};
use run::{NetworkSettings, Pooling};

use crate::vgg::{config as vgg, strokes};
use crate::{assert_kernels_match_burn, network};

/// Colours, and neither side a multiple of a kernel's tile.
const COLOUR: ImageShape = ImageShape { channels: 3, height: 20, width: 32 };

/// As in `vgg`: sums in another order, some divided by sums.
const TOLERANCE: f32 = 1e-4;

fn article(shape: ImageShape) -> NetworkConfig {
    let config = NetworkConfig::article(4, shape, 33.3, 78.6);
    let settings = NetworkSettings {
        width: 5,
        hidden: 11,
        conv_dropout: 0.0,
        dense_dropout: 0.0,
        ..config.settings
    };
    NetworkConfig { settings, ..config }
}

#[test]
fn wide_images_in_colour_go_through_every_network() {
    let wide = network(&article(COLOUR), 1, &Device::flex());
    assert_eq!(wide.forward(strokes(COLOUR, 2, &Device::flex())).dims(), [2, 4]);
    let table = summary(&article(COLOUR)).unwrap();
    let shapes: Vec<_> = table.0.iter().map(|row| row.output_shape.clone()).collect();
    assert_eq!(shapes[..4], [vec![3, 20, 32], vec![5, 18, 30], vec![10, 16, 28], vec![10, 8, 14]]);
    assert!(shapes.contains(&vec![10 * 8 * 14]), "{shapes:?}");
}

#[test]
fn kernels_match_burn_for_wide_images_in_colour() {
    let images = strokes(COLOUR, 5, &Device::flex().autodiff());
    assert_kernels_match_burn(&article(COLOUR), &images, TOLERANCE);
    let shape = ImageShape { channels: 3, height: 22, width: 32 };
    let images = strokes(shape, 5, &Device::flex().autodiff());
    let config = NetworkConfig { shape, ..vgg(5, true) };
    assert_kernels_match_burn(&config, &images, TOLERANCE);
}

#[test]
fn average_pooling_computes_the_same_beside_kernels_as_beside_burns_operations() {
    let images = strokes(COLOUR, 3, &Device::flex().autodiff());
    let config = article(COLOUR);
    let settings = NetworkSettings { pooling: Pooling::Average, ..config.settings };
    assert_kernels_match_burn(&NetworkConfig { settings, ..config }, &images, TOLERANCE);
    let row = &summary(&NetworkConfig { settings, ..config }).unwrap().0[3];
    assert_eq!((row.layer.as_str(), &row.output_shape), ("AveragePool 2x2", &vec![10, 8, 14]));
}

#[test]
fn images_that_are_too_small_are_refused_with_the_layer() {
    let small = |height, width| ImageShape { channels: 1, height, width };
    // Two convolutions take four pixels, and pooling needs two more.
    network(&article(small(6, 6)), 1, &Device::flex());
    for (shape, layer, received) in [
        (small(5, 28), "maxpool1", [10, 1, 24]),
        (small(28, 4), "conv2", [5, 26, 2]),
        (small(2, 2), "conv1", [1, 2, 2]),
    ] {
        let error = Network::new(&article(shape), 1, &Device::flex()).unwrap_err();
        let [channels, height, width] = received;
        let input = Shape::Maps(ImageShape { channels, height, width });
        assert_eq!(error, Error::TooSmall { image: shape, layer: layer.to_owned(), input });
        let text = error.to_string();
        assert!(text.contains(layer) && text.contains("larger images"), "{text}");
        assert_eq!(summary(&article(shape)).unwrap_err(), error);
        assert_eq!(memory(&article(shape), 1, 1, false).unwrap_err(), error);
    }
    // Two more convolutions and poolings need 16 pixels, a fifth convolution four times two more.
    network(&NetworkConfig { shape: small(16, 16), ..vgg(4, true) }, 1, &Device::flex());
    network(&NetworkConfig { shape: small(20, 20), ..vgg(5, true) }, 1, &Device::flex());
    for (depth, side) in [(4, 15), (5, 19)] {
        let config = NetworkConfig { shape: small(side, side), ..vgg(depth, false) };
        assert!(matches!(
            Network::new(&config, 1, &Device::flex()),
            Err(Error::TooSmall { layer, .. }) if layer == "maxpool2"
        ));
    }
}
