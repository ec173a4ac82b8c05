//! The networks: their sizes and shapes, their first weights, and that kernels compute what Burn's own operations do.

#![allow(clippy::unwrap_used)]

mod article;
mod blocks;
mod kernels;
mod memory;
mod shapes;
mod vgg;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use images::ImageShape;
use model::{Network, NetworkConfig};

/// Burn's random numbers are one stream for the process, so tests that draw take turns.
fn turn() -> MutexGuard<'static, ()> {
    static RANDOM: Mutex<()> = Mutex::new(());
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}

fn network(config: &NetworkConfig, seed: u64, device: &Device) -> Network {
    let _turn = turn();
    Network::new(config, seed, device).unwrap()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// A batch of images from `level(image, channel, row, column)`.
fn images(
    shape: ImageShape,
    n: usize,
    device: &Device,
    level: impl Fn([usize; 4]) -> f32,
) -> Tensor<4> {
    let ImageShape { channels, height, width } = shape;
    let at = |at: usize| {
        let (image, at) = (at / shape.size(), at % shape.size());
        [image, at / (height * width), at / width % height, at % width]
    };
    let levels: Vec<f32> = (0..n * shape.size()).map(|index| level(at(index))).collect();
    Tensor::from_data(TensorData::new(levels, [n, channels, height, width]), device)
}

/// Noise that no two images share.
fn noise(shape: ImageShape, n: usize, device: &Device) -> Tensor<4> {
    images(shape, n, device, |[image, channel, row, column]| {
        let at = ((image * shape.channels + channel) * shape.height + row) * shape.width + column;
        (((at * 2_654_435_761) >> 7) % 256) as f32
    })
}

/// Every parameter and running statistic in the order of the layers, with its path in the module.
fn parameters(network: &Network) -> Vec<(String, Vec<f32>)> {
    walk(network, None)
}

/// The gradients of all parameters likewise; running statistics have none.
fn gradients(network: &Network, gradients: &Gradients) -> Vec<(String, Vec<f32>)> {
    walk(network, Some(gradients))
}

fn walk(network: &Network, gradients: Option<&Gradients>) -> Vec<(String, Vec<f32>)> {
    struct Walk<'a> {
        path: Vec<String>,
        gradients: Option<&'a Gradients>,
        found: Vec<(String, Vec<f32>)>,
    }
    impl ModuleVisitor for Walk<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let found = match self.gradients {
                None => Some(values(param.val())),
                Some(gradients) => param.val().grad(gradients).map(values),
            };
            self.found.extend(found.map(|values| (self.path.join("."), values)));
        }
    }
    let mut walk = Walk { path: Vec::new(), gradients, found: Vec::new() };
    network.visit(&mut walk);
    walk.found
}

/// Whether all numbers are within `tolerance` of the largest number of `right`, and the same ones are NaN or infinite.
#[track_caller]
fn assert_close(name: &str, left: &[f32], right: &[f32], tolerance: f32) {
    assert_eq!(left.len(), right.len(), "{name}");
    let finite = right.iter().copied().filter(|x| x.is_finite());
    let largest = finite.fold(0.0, |a: f32, b| a.max(b.abs()));
    assert!(largest > 0.0, "{name} is all zeros or NaN, so nothing is compared");
    for (at, (a, b)) in left.iter().zip(right).enumerate() {
        let same = a == b || a.is_nan() && b.is_nan();
        assert!(same || (a - b).abs() <= tolerance * largest, "{name}[{at}]: {a} and {b}");
    }
}

/// The same network by kernels and by Burn: logits, gradients of all parameters and of the images, and the parameters
/// and running statistics after the pass. Each dropout would drop other numbers, so there must be none.
#[track_caller]
fn assert_kernels_match_burn(config: &NetworkConfig, images: &Tensor<4>, tolerance: f32) {
    let [kernels, burn] = [false, true].map(|burn_ops| {
        let network = network(&NetworkConfig { burn_ops, ..*config }, 7, &images.device());
        let pixels = images.clone().require_grad();
        let logits = network.forward(pixels.clone());
        let passed = loss(logits.clone()).backward();
        let mut found = vec![
            ("logits".to_owned(), values(logits)),
            ("images".to_owned(), values(pixels.grad(&passed).unwrap())),
        ];
        found.extend(gradients(&network, &passed));
        let running =
            parameters(&network.valid()).into_iter().filter(|(path, _)| path.contains("running"));
        found.extend(running);
        found
    });
    assert_eq!(kernels.len(), burn.len());
    for ((name, kernels), (_, burn)) in kernels.iter().zip(&burn) {
        assert_close(name, kernels, burn, tolerance);
    }
}

/// A loss in which every logit has a weight of its own.
fn loss(logits: Tensor<2>) -> Tensor<1> {
    let [n, classes] = logits.dims();
    let weights: Vec<f32> = (0..n * classes).map(|at| ((at * 7 + 3) % 11) as f32 - 5.0).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [n, classes]), &logits.device());
    (logits.clone() * weights + logits.square()).sum()
}
