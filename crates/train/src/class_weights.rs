//! How much the classes weigh in the loss.

use run::ClassWeights;

use crate::fit::Data;

/// The weight of every class, as scikit-learn's `compute_class_weight("balanced")` over the training images: their mean over
/// these is 1. A class without training images has the weight 1, since nothing is known of it. `None` where all weigh the same.
pub(crate) fn class_weights(
    setting: ClassWeights,
    data: Data,
    n_classes: usize,
) -> Option<Vec<f32>> {
    match setting {
        ClassWeights::None => return None,
        ClassWeights::Balanced => {}
    }
    let mut counts = vec![0_usize; n_classes];
    for &index in data.train {
        counts[usize::from(data.examples.labels[index as usize])] += 1;
    }
    let present = counts.iter().filter(|&&count| count > 0).count();
    let weight = |&count: &usize| match count {
        0 => 1.0,
        _ => (data.train.len() as f64 / (present * count) as f64) as f32,
    };
    Some(counts.iter().map(weight).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::nn::loss::CrossEntropyLossConfig;
    use burn::tensor::{Device, Tensor};
    use dataset::Examples;
    use images::ImageShape;

    use super::*;
    use crate::tensors::target_tensor;

    #[test]
    fn weights_are_those_of_scikit_learn() {
        let labels = vec![0, 0, 0, 0, 0, 0, 1, 2, 2, 1];
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let examples = Examples { shape, pixels: vec![0; labels.len()], labels };
        // Without the last image: compute_class_weight gives 9 / (3 * [6, 1, 2]).
        let train: Vec<u32> = (0..9).collect();
        let data = Data { examples: &examples, train: &train, val: &[9] };
        assert_eq!(class_weights(ClassWeights::None, data, 3), None);
        let weights = class_weights(ClassWeights::Balanced, data, 4).unwrap();
        assert_eq!(weights, [0.5, 3.0, 1.5, 1.0]);
    }

    /// Burn's weighted mean, of which its documentation does not say what it is divided by.
    #[test]
    fn the_weighted_mean_is_divided_by_the_weights_of_the_images() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_floats([[2.0, 0.0], [0.0, 1.0], [0.5, 0.0]], &device);
        let loss = |weights: Option<Vec<f32>>| {
            let loss = CrossEntropyLossConfig::new().with_weights(weights).init(&device);
            loss.forward(logits.clone(), target_tensor(&[0, 1, 1], &device)).into_scalar::<f32>()
        };
        let losses = [(-2.0_f32).exp().ln_1p(), (-1.0_f32).exp().ln_1p(), 0.5_f32.exp().ln_1p()];
        let weighted = (losses[0] + 3.0 * losses[1] + 3.0 * losses[2]) / 7.0;
        assert!((loss(Some(vec![1.0, 3.0])) - weighted).abs() < 1e-6);
        assert!((loss(Some(vec![1.0, 1.0])) - loss(None)).abs() < 1e-6);
    }
}
