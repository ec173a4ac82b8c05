//! Gradients that are too large together.

use burn::backend::Flex;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use kernels::Isa;
use model::{Network, in_one_piece};

/// `gradients` of `network`, scaled down where their Euclidean norm, all together, is above `most` (Pascanu and others
/// 2013, algorithm 1).
pub(crate) fn clipped(gradients: GradientsParams, network: &Network, most: f64) -> GradientsParams {
    let mut squares = Squares { gradients: &gradients, sum: 0.0 };
    network.visit(&mut squares);
    let norm = squares.sum.sqrt();
    // A norm that is no number is left to be found in the loss of the next step.
    if norm > most {
        let mut scaled = Scaled { gradients, factor: most / norm };
        network.visit(&mut scaled);
        return scaled.gradients;
    }
    gradients
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let gradient = gradient.try_into_primitive::<Flex>();
            let gradient = in_one_piece(gradient.expect("networks are trained on the flex device"));
            self.sum += kernels::sum_of_squares(Isa::best(), gradient.storage());
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
    use model::NetworkConfig;

    use super::*;

    /// The network, its gradients for two pictures, and their norm in float64.
    fn sample() -> (Network, GradientsParams, f64) {
        let article = NetworkConfig::article(2, 33.0, 78.0);
        // Wide enough that some unit lives.
        let config = NetworkConfig { width: 4, hidden: 32, dense_dropout: 0.0, ..article };
        let device = Device::flex().autodiff();
        let network = Network::new(&config, 1, &device);
        device.seed(1);
        let levels: Vec<f32> = (0..2 * 784).map(|at| (at * 37 % 256) as f32).collect();
        let pixels = Tensor::from_data(TensorData::new(levels, [2, 1, 28, 28]), &device);
        let loss = network.forward(pixels).square().sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        let norm = norm(&network, &gradients);
        (network, gradients, norm)
    }

    fn norm(network: &Network, gradients: &GradientsParams) -> f64 {
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
    fn the_norm_of_all_gradients_together_is_held_and_small_ones_are_left_alone() {
        let (network, gradients, before) = sample();
        assert!(before > 1.0, "{before}");
        let half = clipped(gradients, &network, before / 2.0);
        let after = norm(&network, &half);
        assert!((after / before - 0.5).abs() < 1e-5, "{before} {after}");
        let (network, gradients, before) = sample();
        let same = clipped(gradients, &network, before * 1.01);
        assert_eq!(norm(&network, &same), before);
    }
}
