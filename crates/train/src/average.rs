//! The moving average of a network's weights.

use std::collections::VecDeque;

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use kernels::Isa;
use model::{Network, in_one_piece};

/// `average` moved towards `network` in the run's step number `step`, counted from 0: every weight and running statistic
/// becomes `decay` of itself and the rest of the network's.
///
/// At first the decay is `(1 + step) / (10 + step)` if that is less, so that the initial weights are soon forgotten, as
/// TensorFlow's `ExponentialMovingAverage` has it.
///
/// `average` is an inference model, `network` one in training of the same architecture.
pub(crate) fn moved(average: Network, network: &Network, decay: f64, step: usize) -> Network {
    let step = step as f64;
    let decay = decay.min((1.0 + step) / (10.0 + step)) as f32;
    let mut values = Values::default();
    network.visit(&mut values);
    average.map(&mut Average { decay, values: values.0 })
}

/// All weights and statistics, in the order in which a module is walked through.
#[derive(Default)]
struct Values(VecDeque<FlexTensor>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push_back(flex(param.val().without_autodiff()));
    }
}

struct Average {
    decay: f32,
    values: VecDeque<FlexTensor>,
}

impl ModuleMapper for Average {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, average, mapper) = param.consume();
        let mut average = in_one_piece(flex(average));
        let value = self.values.pop_front().expect("both networks have the same weights");
        let value = in_one_piece(value);
        kernels::average(Isa::best(), self.decay, value.storage(), average.storage_mut());
        Param::from_mapped_value(id, Tensor::from_primitive::<Flex>(average), mapper)
    }
}

fn flex<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    tensor.try_into_primitive::<Flex>().expect("networks are trained on the flex device")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::Device;
    use model::NetworkConfig;
    use run::Architecture;

    use super::*;

    fn all(network: &Network) -> Vec<f32> {
        let mut values = Values::default();
        network.visit(&mut values);
        let values = values.0.into_iter().map(in_one_piece);
        values.flat_map(|tensor| tensor.storage::<f32>().to_vec()).collect()
    }

    #[test]
    fn every_weight_and_statistic_moves_by_its_part_and_the_network_stays() {
        let config = NetworkConfig {
            architecture: Architecture::Vgg,
            width: 2,
            hidden: 3,
            batch_norm: true,
            ..NetworkConfig::article(2, 33.0, 78.0)
        };
        let device = Device::flex().autodiff();
        let network = Network::new(&config, 1, &device);
        let start = Network::new(&config, 2, &device).valid();
        let (to, from) = (all(&network), all(&start));
        let norms = 3 * 4 * 2 * 4;
        assert!(to.len() > norms && to != from);
        for (step, part) in [(0, 0.1), (1_000_000, 0.75)] {
            let average = all(&moved(start.clone().valid(), &network, 0.75, step));
            for ((average, from), to) in average.iter().zip(&from).zip(&to) {
                let expected = part * from + (1.0 - part) * to;
                assert!((average - expected).abs() < 1e-6, "{average} {expected}");
            }
        }
        assert_eq!(all(&network), to);
    }
}
