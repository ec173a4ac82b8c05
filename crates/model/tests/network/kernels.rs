//! kiln's kernels inside Burn give what Burn's own operations give: outputs, gradients, and what is not a number.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use images::ImageShape;
use model::{Network, NetworkConfig};
use run::NetworkSettings;

use crate::{
    assert_close, assert_kernels_match_burn, gradients, loss, network, noise, turn, values,
};

/// Largest distance, as a fraction of the largest number of a tensor, that the order of sums can explain: a weight's
/// gradient sums up to 20 * 676 products in float32, whose roundings of 6e-8 add up like a random walk.
const TOLERANCE: f32 = 2e-5;

const SHAPE: ImageShape = ImageShape::DIGIT;

/// The article's network without dropout.
fn config(n_classes: usize) -> NetworkConfig {
    let config = NetworkConfig::article(n_classes, SHAPE, 33.3, 78.6);
    let settings = NetworkSettings { conv_dropout: 0.0, dense_dropout: 0.0, ..config.settings };
    NetworkConfig { settings, ..config }
}

/// The same weights, computed by kernels and by Burn.
fn both(device: &Device, n_classes: usize) -> [Network; 2] {
    [false, true]
        .map(|burn_ops| network(&NetworkConfig { burn_ops, ..config(n_classes) }, 7, device))
}

#[test]
fn logits_are_burns() {
    for (n, n_classes) in [(1, 10), (3, 10), (20, 7)] {
        let [kernels, burn] = both(&Device::flex(), n_classes)
            .map(|network| values(network.forward(noise(SHAPE, n, &Device::flex()))));
        assert_close("logits", &kernels, &burn, TOLERANCE);
    }
}

#[test]
fn gradients_of_all_parameters_and_of_the_images_are_burns() {
    for n in [1, 5, 20] {
        let images = noise(SHAPE, n, &Device::flex().autodiff());
        assert_kernels_match_burn(&config(10), &images, TOLERANCE);
    }
}

#[test]
fn a_pixel_that_is_not_a_number_has_the_same_effect_as_in_burn() {
    let device = Device::flex();
    let broken = |value: f32| {
        let mut levels = values(noise(SHAPE, 4, &device));
        levels[SHAPE.size() + 400] = value;
        Tensor::<4>::from_data(TensorData::new(levels, [4, 1, 28, 28]), &device)
    };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let [kernels, burn] =
            both(&device, 10).map(|network| values(network.forward(broken(value))));
        assert!(burn[10..20].iter().any(|logit| !logit.is_finite()), "{burn:?}");
        assert_close("logits", &kernels, &burn, TOLERANCE);
    }
}

#[test]
fn the_order_of_images_in_memory_does_not_matter() {
    let device = Device::flex();
    let [network, _] = both(&device, 10);
    let straight = noise(SHAPE, 6, &device);
    let turned = straight.clone().swap_dims(0, 2).reshape([28, 6 * 28]).swap_dims(0, 1);
    let turned = turned.reshape([6, 1, 28, 28]);
    let copied = Tensor::from_data(turned.to_data(), &device);
    assert_eq!(values(network.forward(turned)), values(network.forward(copied)));
    let middle = straight.clone().narrow(0, 2, 2);
    assert_eq!(values(network.forward(middle)), values(network.forward(straight))[20..40]);
}

#[test]
fn gradient_checkpointing_falls_back_on_burn() {
    let device = Device::flex().autodiff().gradient_checkpointing();
    let [kernels, burn] = both(&device, 10).map(|network| {
        let passed = loss(network.forward(noise(SHAPE, 2, &device))).backward();
        gradients(&network, &passed)
    });
    assert_eq!(kernels, burn);
}

#[test]
fn dropout_drops_its_fraction_of_features_and_of_their_gradients() {
    /// All features are 1 where they are not dropped: the second convolution has weights 0 and bias 1. Dense weights of
    /// 1 add them up.
    struct Ones(usize);
    impl ModuleMapper for Ones {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 1;
            match self.0 {
                3 => param.map(|weights| weights.zeros_like().require_grad()),
                4 | 5 | 7 => param.map(|weights| weights.ones_like().require_grad()),
                _ => param,
            }
        }
    }
    let device = Device::flex().autodiff();
    let config = config(10);
    let settings = NetworkSettings { conv_dropout: 0.25, ..config.settings };
    let network = network(&NetworkConfig { settings, ..config }, 7, &device).map(&mut Ones(0));
    let _turn = turn();
    device.seed(3);
    let logits = network.forward(noise(SHAPE, 1, &device));
    let passed = logits.clone().sum().backward();
    // A kept feature is scaled to 4/3 and counts in all 128 units.
    let kept = values(logits)[0] / 128.0 * 0.75;
    // A fraction of 0.75 of 9,216 has a standard deviation of 42.
    assert!((kept - 6912.0).abs() < 6.0 * 42.0, "{kept}");
    // Each kept feature adds 4/3 to the gradient of its channel's bias, for each of 128 units and 10 classes.
    let (path, bias) = &gradients(&network, &passed)[3];
    assert!(path.ends_with("bias") && bias.len() == 64, "{path}");
    let passed_on = bias.iter().sum::<f32>() / 1280.0 * 0.75;
    assert_eq!(passed_on.round(), kept.round());
}
