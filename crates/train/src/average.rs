//! The moving average of a network's weights.

use std::collections::VecDeque;

use burn::backend::Flex;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use kernels::Isa;
use model::{Network, flex_values, kernels_run_on};

/// `average` moved towards `network` in step number `step` of the run, counted from 0: every weight and running
/// statistic becomes `decay` times itself plus `1 - decay` times the network's.
///
/// At first the decay is `(1 + step) / (10 + step)` if that is less, so that the initial weights are soon forgotten, as
/// in TensorFlow's `ExponentialMovingAverage`.
///
/// `average` is an inference model, `network` one in training of the same architecture.
pub(crate) fn moved(average: Network, network: &Network, decay: f64, step: usize) -> Network {
    let kernels = kernels_run_on(&average.device());
    moved_by(kernels, average, network, decay, step)
}

/// [`moved`] by kiln's kernel, or by Burn's own operations.
fn moved_by(
    kernels: bool,
    average: Network,
    network: &Network,
    decay: f64,
    step: usize,
) -> Network {
    let step = step as f64;
    let decay = decay.min((1.0 + step) / (10.0 + step)) as f32;
    let mut values = Values::default();
    network.visit(&mut values);
    average.map(&mut Average { kernels, decay, values: values.0 })
}

/// All weights and statistics, flattened, in the order of a walk through the module.
#[derive(Default)]
struct Values(VecDeque<Tensor<1>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push_back(param.val().without_autodiff().reshape([-1]));
    }
}

struct Average {
    kernels: bool,
    decay: f32,
    values: VecDeque<Tensor<1>>,
}

impl ModuleMapper for Average {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, average, mapper) = param.consume();
        let value = self.values.pop_front().expect("both networks have the same weights");
        let average = if self.kernels {
            let (mut average, value) = (flex_values(average), flex_values(value));
            kernels::average(Isa::best(), self.decay, value.storage(), average.storage_mut());
            Tensor::from_primitive::<Flex>(average)
        } else {
            let value = value.reshape(average.shape());
            average * self.decay + value * (1.0 - self.decay)
        };
        Param::from_mapped_value(id, average, mapper)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::Device;
    use images::ImageShape;
    use model::NetworkConfig;
    use run::{Architecture, NetworkSettings};

    use super::*;
    use crate::tests::turn;

    fn all(network: &Network) -> Vec<f32> {
        let mut values = Values::default();
        network.visit(&mut values);
        values.0.into_iter().flat_map(crate::tensors::values).collect()
    }

    #[test]
    fn every_weight_and_statistic_moves_by_its_fraction_and_the_network_stays() {
        let config = NetworkConfig::article(2, ImageShape::DIGIT, 33.0, 78.0);
        let settings = NetworkSettings {
            architecture: Architecture::Vgg,
            width: 2,
            hidden: 3,
            batch_norm: true,
            ..config.settings
        };
        let config = NetworkConfig { settings, ..config };
        let device = Device::flex().autodiff();
        let _turn = turn();
        let network = Network::new(&config, 1, &device).unwrap();
        let start = Network::new(&config, 2, &device).unwrap().valid();
        let (to, from) = (all(&network), all(&start));
        let norms = 3 * 4 * 2 * 4;
        assert!(to.len() > norms && to != from);
        for kernels in [true, false] {
            for (step, fraction) in [(0, 0.1), (1_000_000, 0.75)] {
                let average = moved_by(kernels, start.clone().valid(), &network, 0.75, step);
                for ((average, from), to) in all(&average).iter().zip(&from).zip(&to) {
                    let expected = fraction * from + (1.0 - fraction) * to;
                    assert!((average - expected).abs() < 1e-6, "{average} {expected}");
                }
            }
        }
        assert_eq!(all(&network), to);
    }
}
