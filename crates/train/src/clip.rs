//! Gradients that are too large together.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use kernels::Isa;
use model::{Network, flex_values, kernels_run_on};

/// `gradients` of `network`, scaled down where their Euclidean norm, all together, is above `most` (Pascanu and others
/// 2013, algorithm 1).
pub(crate) fn clipped(gradients: GradientsParams, network: &Network, most: f64) -> GradientsParams {
    let norm = norm(kernels_run_on(&network.device()), &gradients, network);
    // A norm that is not finite shows in the loss of the next step.
    if norm > most {
        let mut scaled = Scaled { gradients, factor: most / norm };
        network.visit(&mut scaled);
        return scaled.gradients;
    }
    gradients
}

/// The Euclidean norm of all gradients together, by kiln's kernel, in float64, or by Burn's own operations.
fn norm(kernels: bool, gradients: &GradientsParams, network: &Network) -> f64 {
    let mut squares = Squares { kernels, gradients, sum: 0.0 };
    network.visit(&mut squares);
    squares.sum.sqrt()
}

struct Squares<'a> {
    kernels: bool,
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += if self.kernels {
                kernels::sum_of_squares(Isa::best(), flex_values(gradient).storage())
            } else {
                gradient.square().sum().into_scalar::<f32>().into()
            };
        }
    }
}

struct Scaled {
    gradients: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scaled {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::{Device, TensorData};
    use images::ImageShape;
    use model::NetworkConfig;
    use run::NetworkSettings;

    use super::*;
    use crate::tests::turn;

    /// The network, its gradients for two images, and their norm in float64.
    fn sample() -> (Network, GradientsParams, f64) {
        let article = NetworkConfig::article(2, ImageShape::DIGIT, 33.0, 78.0);
        // Wide enough that some unit is above 0.
        let settings =
            NetworkSettings { width: 4, hidden: 32, dense_dropout: 0.0, ..article.settings };
        let config = NetworkConfig { settings, ..article };
        let device = Device::flex().autodiff();
        let _turn = turn();
        let network = Network::new(&config, 1, &device).unwrap();
        device.seed(1);
        let levels: Vec<f32> = (0..2 * 784).map(|at| (at * 37 % 256) as f32).collect();
        let pixels = Tensor::from_data(TensorData::new(levels, [2, 1, 28, 28]), &device);
        let loss = network.forward(pixels).square().sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let norm = expected_norm(&network, &gradients);
        (network, gradients, norm)
    }

    fn expected_norm(network: &Network, gradients: &GradientsParams) -> f64 {
        struct Sum<'a>(&'a GradientsParams, f64);
        impl ModuleVisitor for Sum<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let values = self.0.get::<D>(param.id).unwrap().into_data();
                self.1 += values.iter::<f64>().map(|value| value * value).sum::<f64>();
            }
        }
        let mut sum = Sum(gradients, 0.0);
        network.visit(&mut sum);
        sum.1.sqrt()
    }

    #[test]
    fn large_gradients_are_scaled_to_the_given_norm_and_small_ones_are_left_alone() {
        let (network, gradients, before) = sample();
        assert!(before > 1.0, "{before}");
        for kernels in [true, false] {
            let found = norm(kernels, &gradients, &network);
            assert!((found / before - 1.0).abs() < 1e-5, "{found} {before}");
        }
        let half = clipped(gradients, &network, before / 2.0);
        let after = expected_norm(&network, &half);
        assert!((after / before - 0.5).abs() < 1e-5, "{before} {after}");
        let (network, gradients, before) = sample();
        let same = clipped(gradients, &network, before * 1.01);
        assert_eq!(expected_norm(&network, &same), before);
    }
}
