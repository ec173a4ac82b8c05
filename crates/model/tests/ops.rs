//! kiln's kernels inside Burn give what Burn's own operations give: outputs, gradients, and what is not a number.

#![allow(clippy::unwrap_used)]

use std::sync::{Mutex, PoisonError};

use burn::module::Param;
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use model::{Cnn, NetworkConfig};

/// Largest distance, as a part of the largest number of a tensor, that the order of sums can explain: a weight's gradient
/// sums up to 20 * 676 products in float32, whose roundings of 6e-8 add up like a random walk.
const TOLERANCE: f32 = 2e-5;

/// Burn's random numbers are one stream for the process, so tests that draw take turns.
static RANDOM: Mutex<()> = Mutex::new(());

/// The same weights, computed by kernels and by Burn. Nothing is dropped, as each drops what it likes.
fn both(device: &Device, n_classes: usize) -> [Cnn; 2] {
    let _turn = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    [false, true].map(|burn_ops| {
        let config = NetworkConfig { burn_ops, ..NetworkConfig::article(n_classes, 33.3, 78.6) };
        let mut cnn = Cnn::new(&config, 7, device);
        (cnn.dropout1.prob, cnn.dropout2.prob) = (0.0, 0.0);
        cnn
    })
}

fn pictures(n: usize, device: &Device) -> Tensor<4> {
    let level = |at: usize| ((at * 2_654_435_761) >> 7) % 256;
    let levels: Vec<f32> = (0..n * 784).map(|at| level(at) as f32).collect();
    Tensor::from_data(TensorData::new(levels, [n, 1, 28, 28]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Whether all numbers are close, and the same ones are NaN.
#[track_caller]
fn assert_close(name: &str, kernels: Vec<f32>, burn: Vec<f32>) {
    assert_eq!(kernels.len(), burn.len(), "{name}");
    let largest =
        burn.iter().copied().filter(|x| x.is_finite()).fold(0.0, |a: f32, b| a.max(b.abs()));
    assert!(largest > 0.0, "{name} is all zeros or NaN, which tells nothing");
    for (at, (kernel, burn)) in kernels.iter().zip(&burn).enumerate() {
        let same = kernel == burn || kernel.is_nan() && burn.is_nan();
        let close = (kernel - burn).abs() <= TOLERANCE * largest;
        assert!(same || close, "{name}[{at}]: {kernel}, Burn has {burn}");
    }
}

/// A loss in which every logit has a weight of its own.
fn loss(logits: Tensor<2>) -> Tensor<1> {
    let [n, classes] = logits.dims();
    let weights = (0..n * classes).map(|at| ((at * 7 + 3) % 11) as f32 - 5.0).collect();
    let weights: Vec<f32> = weights;
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [n, classes]), &logits.device());
    (logits.clone() * weights + logits.square()).sum()
}

fn gradient<const D: usize>(param: &Param<Tensor<D>>, gradients: &Gradients) -> Vec<f32> {
    values(param.val().grad(gradients).unwrap())
}

#[test]
fn logits_are_burns() {
    for (n, n_classes) in [(1, 10), (3, 10), (20, 7)] {
        let [kernels, burn] = both(&Device::flex(), n_classes)
            .map(|cnn| values(cnn.forward(pictures(n, &Device::flex()))));
        assert_close("logits", kernels, burn);
    }
}

#[test]
fn gradients_of_all_parameters_and_of_the_pictures_are_burns() {
    let device = Device::flex().autodiff();
    for n in [1, 5, 20] {
        let [kernels, burn] = both(&device, 10).map(|cnn| {
            let pixels = pictures(n, &device).require_grad();
            let gradients = loss(cnn.forward(pixels.clone())).backward();
            let bias =
                |bias: &Option<Param<Tensor<1>>>| gradient(bias.as_ref().unwrap(), &gradients);
            [
                ("conv1.weight", gradient(&cnn.conv1.weight, &gradients)),
                ("conv1.bias", bias(&cnn.conv1.bias)),
                ("conv2.weight", gradient(&cnn.conv2.weight, &gradients)),
                ("conv2.bias", bias(&cnn.conv2.bias)),
                ("dense1.weight", gradient(&cnn.dense1.weight, &gradients)),
                ("dense1.bias", bias(&cnn.dense1.bias)),
                ("dense2.weight", gradient(&cnn.dense2.weight, &gradients)),
                ("dense2.bias", bias(&cnn.dense2.bias)),
                ("pixels", values(pixels.grad(&gradients).unwrap())),
            ]
        });
        for ((name, kernels), (_, burn)) in kernels.into_iter().zip(burn) {
            assert_close(name, kernels, burn);
        }
    }
}

#[test]
fn a_pixel_that_is_not_a_number_spoils_what_it_spoils_in_burn() {
    let device = Device::flex();
    let broken = |value: f32| {
        let mut levels = values(pictures(4, &device));
        levels[784 + 400] = value;
        Tensor::<4>::from_data(TensorData::new(levels, [4, 1, 28, 28]), &device)
    };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let [kernels, burn] = both(&device, 10).map(|cnn| values(cnn.forward(broken(value))));
        assert!(burn[10..20].iter().any(|logit| !logit.is_finite()), "{burn:?}");
        assert_close("logits", kernels, burn);
    }
}

#[test]
fn pictures_that_lie_otherwise_in_memory_give_the_same() {
    let device = Device::flex();
    let [cnn, _] = both(&device, 10);
    let straight = pictures(6, &device);
    let turned = straight.clone().swap_dims(0, 2).reshape([28, 6 * 28]).swap_dims(0, 1);
    let turned = turned.reshape([6, 1, 28, 28]);
    let copied = Tensor::from_data(turned.to_data(), &device);
    assert_eq!(values(cnn.forward(turned)), values(cnn.forward(copied)));
    let middle = straight.clone().narrow(0, 2, 2);
    assert_eq!(values(cnn.forward(middle)), values(cnn.forward(straight))[20..40]);
}

#[test]
fn gradient_checkpointing_falls_back_on_burn() {
    let device = Device::flex().autodiff().gradient_checkpointing();
    let [kernels, burn] = both(&device, 10).map(|cnn| {
        let gradients = loss(cnn.forward(pictures(2, &device))).backward();
        gradient(&cnn.conv2.weight, &gradients)
    });
    assert_eq!(kernels, burn);
}

#[test]
fn dropout_drops_its_share_and_the_gradient_with_it() {
    let _turn = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
    let device = Device::flex().autodiff();
    let config = NetworkConfig::article(10, 33.3, 78.6);
    let mut cnn = Cnn::new(&config, 7, &device);
    (cnn.dropout1.prob, cnn.dropout2.prob) = (0.25, 0.0);
    // All features are 1 where they are not dropped: bias 1, weights 0. Dense weights of 1 add them up.
    cnn.conv2.weight = Param::from_tensor(Tensor::zeros([64, 32, 3, 3], &device));
    cnn.conv2.bias = Some(Param::from_tensor(Tensor::ones([64], &device)));
    cnn.dense1.weight = Param::from_tensor(Tensor::ones([9216, 128], &device));
    cnn.dense2.weight = Param::from_tensor(Tensor::ones([128, 10], &device));
    device.seed(3);
    let logits = cnn.forward(pictures(1, &device));
    let gradients = logits.clone().sum().backward();
    // A kept feature is scaled to 4/3 and counts in all 128 units.
    let kept = values(logits)[0] / 128.0 * 0.75;
    // A share of 0.75 of 9,216 has a standard deviation of 42.
    assert!((kept - 6912.0).abs() < 6.0 * 42.0, "{kept}");
    // Each kept feature hands 4/3 to the gradient of its channel's bias, for each of 128 units and 10 classes.
    let bias = gradient(cnn.conv2.bias.as_ref().unwrap(), &gradients);
    let handed = bias.iter().sum::<f32>() / 1280.0 * 0.75;
    assert_eq!(handed.round(), kept.round());
}
