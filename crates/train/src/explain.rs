//! What the network learned to look for, and where it looked when it was wrong.

use dataset::{Examples, PIXELS, SIDE};
use model::{INPUT_SIDE, Network};
use run::{Explanations, Occlusion, Prediction};

use crate::evaluate::{logits, softmax};

/// Side of the square that hides a part of a picture: wide enough for a stroke, which is two to four pixels in MNIST.
const PATCH: usize = 5;
/// The most mistakes that are looked into, as each takes 784 forward passes.
const MOST_MISTAKES: usize = 12;

/// The first layer's filters, and for the most expensive mistakes among `predictions` of `test` how much each part of
/// the picture mattered (Zeiler and Fergus 2014, section 4.2): the square around every pixel in turn is made background,
/// and the probability of the predicted class is compared.
///
/// `network` is to be an inference model.
#[must_use]
pub fn explain(network: &Network, test: &Examples, predictions: &[Prediction]) -> Explanations {
    let filters = network.first_convolution().weight.val().into_data();
    let filters: Vec<f32> = filters.try_into_vec().expect("the network computes in f32");
    let mut mistakes: Vec<_> = predictions.iter().filter(|p| p.predicted != p.label).collect();
    mistakes.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.index.cmp(&b.index)));
    let occlusion = |mistake: &&Prediction| Occlusion {
        index: mistake.index,
        importance: importance(network, test.image(mistake.index), mistake.predicted),
    };
    Explanations {
        filters: filters.chunks_exact(9).map(<[f32]>::to_vec).collect(),
        patch: PATCH,
        mistakes: mistakes.iter().take(MOST_MISTAKES).map(occlusion).collect(),
    }
}

/// For every pixel, by how much the probability of `class` falls when the square around it is background.
fn importance(network: &Network, image: &[u8], class: usize) -> Vec<f32> {
    const { assert!(SIDE == INPUT_SIDE) };
    let mut pictures = image.repeat(PIXELS + 1);
    let (_, hidden) = pictures.split_at_mut(PIXELS);
    for (at, picture) in hidden.chunks_exact_mut(PIXELS).enumerate() {
        let span =
            |middle: usize| middle.saturating_sub(PATCH / 2)..(middle + PATCH / 2 + 1).min(SIDE);
        for row in span(at / SIDE) {
            let columns = span(at % SIDE);
            picture[row * SIDE + columns.start..row * SIDE + columns.end].fill(0);
        }
    }
    let logits = logits(network, &pictures);
    let mut of_class =
        logits.chunks_exact(network.n_classes()).map(|logits| softmax(logits)[class]);
    let whole = of_class.next().unwrap_or_default();
    of_class.map(|probability| (whole - probability) as f32).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::module::Module;
    use burn::tensor::Device;
    use model::NetworkConfig;

    use super::*;

    #[test]
    fn hiding_background_matters_to_nobody_and_hiding_ink_does() {
        let network = Network::new(&NetworkConfig::article(3, 33.0, 78.0), 5, &Device::flex());
        let mut image = vec![0; PIXELS];
        image[10 * SIDE + 12..10 * SIDE + 20].fill(255);
        let test = Examples { pixels: image, labels: vec![0] };
        let wrong = Prediction { index: 0, label: 0, predicted: 1, probability: 0.5, loss: 1.0 };
        let explanations = explain(&network.valid(), &test, &[wrong]);
        assert_eq!((explanations.filters.len(), explanations.filters[0].len()), (32, 9));
        let [mistake] = &explanations.mistakes[..] else { panic!("{explanations:?}") };
        for (at, importance) in mistake.importance.iter().enumerate() {
            let (row, column) = (at / SIDE, at % SIDE);
            let near = (8..=12).contains(&row) && (10..=21).contains(&column);
            assert_eq!(*importance != 0.0, near, "{row} {column} {importance}");
        }
    }

    #[test]
    fn only_the_most_expensive_mistakes_are_looked_into() {
        let network = Network::new(&NetworkConfig::article(3, 33.0, 78.0), 5, &Device::flex());
        let n = MOST_MISTAKES + 3;
        let test = Examples { pixels: vec![100; n * PIXELS], labels: vec![0; n] };
        let prediction = |index: usize| Prediction {
            index,
            label: 0,
            predicted: usize::from(index != 1),
            probability: 0.5,
            loss: index as f64,
        };
        let predictions: Vec<_> = (0..n).map(prediction).collect();
        let found = explain(&network.valid(), &test, &predictions).mistakes;
        let indices: Vec<_> = found.iter().map(|mistake| mistake.index).collect();
        assert_eq!(indices, (3..n).rev().collect::<Vec<_>>());
    }
}
