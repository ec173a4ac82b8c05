//! What the first layer looks for, and which regions of an image mattered where the network was wrong.

use dataset::Examples;
use images::ImageShape;
use model::Network;
use run::{Explanations, Occlusion, Prediction, log_odds};

use crate::evaluate::{BATCH, logits};
use crate::tensors::values;

/// Side of the square that hides a region of an image: wide enough for a stroke, which is two to four pixels in MNIST.
const PATCH: usize = 5;
/// The most mistakes that are explained, as each takes a forward pass for every pixel.
const MOST_MISTAKES: usize = 12;
/// Numbers of a 3x3 filter.
const FILTER: usize = 9;

/// The first convolution's filters, and for the mistakes with the highest loss among `predictions` of `test` how much
/// each region of the image mattered (Zeiler and Fergus 2014, section 4.2): the square around every pixel in turn is
/// set to the background, and the log-odds of the predicted class are compared: a network that is certain of a mistake keeps
/// its probability of 100 %, whatever is hidden, while its log-odds fall.
///
/// `network` has to be an inference model.
#[must_use]
pub fn explain(network: &Network, test: &Examples, predictions: &[Prediction]) -> Explanations {
    let filters = network.first_convolution().map(|conv| values(conv.weight.val()));
    let filters = filters.unwrap_or_default();
    let mut mistakes: Vec<_> = predictions.iter().filter(|p| p.predicted != p.label).collect();
    mistakes.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.index.cmp(&b.index)));
    let occlusion = |mistake: &&Prediction| Occlusion {
        index: mistake.index,
        importance: importance(network, test.image(mistake.index), mistake.predicted),
    };
    Explanations {
        filters: filters.chunks_exact(FILTER).map(<[f32]>::to_vec).collect(),
        patch: PATCH,
        mistakes: mistakes.iter().take(MOST_MISTAKES).map(occlusion).collect(),
    }
}

/// For every pixel, by how much the log-odds of `class` fall when the square around it is background.
fn importance(network: &Network, image: &[u8], class: usize) -> Vec<f32> {
    let ImageShape { height, width, .. } = network.shape();
    let log_odds = |images: &[u8]| -> Vec<f64> {
        let logits = logits(network, images);
        logits.chunks_exact(network.n_classes()).map(|logits| log_odds(logits, class)).collect()
    };
    let whole = log_odds(image)[0];
    let places: Vec<usize> = (0..height * width).collect();
    let hidden = places.chunks(BATCH).flat_map(|places| {
        log_odds(
            &places.iter().flat_map(|&at| occluded(network.shape(), image, at)).collect::<Vec<_>>(),
        )
    });
    hidden.map(|hidden| (whole - hidden) as f32).collect()
}

/// `image` with the square around the pixel `at` set to the background, in every channel.
fn occluded(shape: ImageShape, image: &[u8], at: usize) -> Vec<u8> {
    let ImageShape { height, width, .. } = shape;
    let span = |middle: usize, side: usize| {
        middle.saturating_sub(PATCH / 2)..(middle + PATCH / 2 + 1).min(side)
    };
    let mut occluded = image.to_vec();
    for channel in occluded.chunks_exact_mut(height * width) {
        for row in span(at / width, height) {
            let columns = span(at % width, width);
            channel[row * width + columns.start..row * width + columns.end].fill(0);
        }
    }
    occluded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::module::Module;
    use burn::tensor::Device;
    use model::NetworkConfig;

    use super::*;

    const SHAPE: ImageShape = ImageShape::DIGIT;

    fn network() -> Network {
        let config = NetworkConfig::article(3, SHAPE, 33.0, 78.0);
        Network::new(&config, 5, &Device::flex()).unwrap().valid()
    }

    #[test]
    fn occlusion_matters_where_it_hides_ink_and_not_where_it_hides_background() {
        let mut image = vec![0; SHAPE.size()];
        image[10 * SHAPE.width + 12..10 * SHAPE.width + 20].fill(255);
        let test = Examples { shape: SHAPE, pixels: image, labels: vec![0] };
        let wrong = Prediction { index: 0, label: 0, predicted: 1, probability: 0.5, loss: 1.0 };
        let explanations = explain(&network(), &test, &[wrong]);
        assert_eq!((explanations.filters.len(), explanations.filters[0].len()), (32, 9));
        let [mistake] = &explanations.mistakes[..] else { panic!("{explanations:?}") };
        for (at, importance) in mistake.importance.iter().enumerate() {
            let (row, column) = (at / SHAPE.width, at % SHAPE.width);
            let near = (8..=12).contains(&row) && (10..=21).contains(&column);
            assert_eq!(*importance != 0.0, near, "{row} {column} {importance}");
        }
    }

    #[test]
    fn only_the_mistakes_with_the_highest_loss_are_explained() {
        let n = MOST_MISTAKES + 3;
        let test =
            Examples { shape: SHAPE, pixels: vec![100; n * SHAPE.size()], labels: vec![0; n] };
        let prediction = |index: usize| Prediction {
            index,
            label: 0,
            predicted: usize::from(index != 1),
            probability: 0.5,
            loss: index as f64,
        };
        let predictions: Vec<_> = (0..n).map(prediction).collect();
        let found = explain(&network(), &test, &predictions).mistakes;
        let indices: Vec<_> = found.iter().map(|mistake| mistake.index).collect();
        assert_eq!(indices, (3..n).rev().collect::<Vec<_>>());
    }
}
