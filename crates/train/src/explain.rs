//! What the first layer looks for, and which regions of an image mattered where the network was wrong.

use dataset::Examples;
use images::ImageShape;
use model::Network;
use run::{Explanations, Occlusion, Prediction, log_odds};

use crate::evaluate::{BATCH, logits};
use crate::tensors::values;

/// Side of the square that hides a region, as a fraction of the longer side: five pixels of a digit of MNIST, wide enough for
/// a stroke, which has two to four.
const PATCH: f64 = 0.18;
/// The most mistakes that are explained, as each takes a forward pass for every place of the square.
const MOST_MISTAKES: usize = 12;
/// About the most places of the square: every pixel of small images, and every second or fourth of large ones, which would
/// take hours otherwise.
const MOST_PLACES: usize = 1024;
/// Weights of a 3x3 filter of one channel.
const FILTER: usize = 9;

/// The first convolution's filters, and for the mistakes with the highest loss among `predictions` of `test` how much
/// each region of the image mattered (Zeiler and Fergus 2014, section 4.2): the square around every pixel in turn is
/// set to the background, in images of colours to the training images' mean, and the log-odds of the predicted class are compared: a network that is certain of a mistake keeps
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
        filters: filters
            .chunks_exact(FILTER * network.shape().channels)
            .map(<[f32]>::to_vec)
            .collect(),
        patch: patch(network.shape()),
        mistakes: mistakes.iter().take(MOST_MISTAKES).map(occlusion).collect(),
    }
}

/// Side of the square that hides a region of images of this shape, odd.
fn patch(shape: ImageShape) -> usize {
    let side = (PATCH * shape.height.max(shape.width) as f64) as usize;
    (side.max(1) - 1) / 2 * 2 + 1
}

/// For every pixel, by how much the log-odds of `class` fall when the square around it is hidden; of large images for every
/// few pixels, and the same for those between.
fn importance(network: &Network, image: &[u8], class: usize) -> Vec<f32> {
    let ImageShape { height, width, .. } = network.shape();
    let log_odds = |images: &[u8]| -> Vec<f64> {
        let logits = logits(network, images);
        logits.chunks_exact(network.n_classes()).map(|logits| log_odds(logits, class)).collect()
    };
    let whole = log_odds(image)[0];
    let step =
        (1..).find(|step| (height * width).div_ceil(step * step) <= MOST_PLACES).unwrap_or(1);
    let (rows, columns) = (height.div_ceil(step), width.div_ceil(step));
    let middle = |place: usize, side: usize| (place * step + step / 2).min(side - 1);
    let places: Vec<_> = (0..rows * columns)
        .map(|place| (middle(place / columns, height), middle(place % columns, width)))
        .collect();
    let hidden: Vec<f64> = places
        .chunks(BATCH)
        .flat_map(|places| {
            let occluded = places.iter().flat_map(|&at| occluded(network, image, at));
            log_odds(&occluded.collect::<Vec<_>>())
        })
        .collect();
    let of_pixel = |pixel: usize| {
        let (row, column) = (pixel / width, pixel % width);
        (whole - hidden[row / step * columns + column / step]) as f32
    };
    (0..height * width).map(of_pixel).collect()
}

/// `image` with the square around a row and column hidden in every channel.
fn occluded(network: &Network, image: &[u8], (row, column): (usize, usize)) -> Vec<u8> {
    let shape = network.shape();
    let ImageShape { height, width, .. } = shape;
    let half = patch(shape) / 2;
    let span =
        |middle: usize, side: usize| middle.saturating_sub(half)..(middle + half + 1).min(side);
    let (means, _) = network.standardisation();
    let mut occluded = image.to_vec();
    for (channel, mean) in occluded.chunks_exact_mut(height * width).zip(means) {
        // Black is the background of grey images; in a photograph it would be a thing of its own.
        let level = if shape.channels == 1 { 0 } else { mean.round() as u8 };
        for row in span(row, height) {
            let columns = span(column, width);
            channel[row * width + columns.start..row * width + columns.end].fill(level);
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
    use crate::tests::turn;

    const SHAPE: ImageShape = ImageShape::DIGIT;

    fn network() -> Network {
        let config = NetworkConfig::article(3, SHAPE, 33.0, 78.0);
        let _turn = turn();
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
    fn large_images_are_hidden_by_larger_squares_at_fewer_places() {
        let shape = |height, width| ImageShape { channels: 3, height, width };
        let sides = [(28, 28), (32, 32), (8, 64), (128, 128)].map(|(h, w)| patch(shape(h, w)));
        assert_eq!(sides, [5, 5, 11, 23]);
        let large = shape(40, 64);
        let config = NetworkConfig::article(3, large, 33.0, 78.0);
        let _turn = turn();
        let network = Network::new(&config, 5, &Device::flex()).unwrap().valid();
        let map = importance(&network, &vec![200; large.size()], 1);
        assert_eq!(map.len(), 40 * 64);
        // Two pixels a place: 2,560 pixels are more than 1,024 places.
        for (pixel, value) in map.iter().enumerate() {
            let (row, column) = (pixel / 64, pixel % 64);
            assert_eq!(*value, map[row / 2 * 2 * 64 + column / 2 * 2], "{row} {column}");
        }
        assert!(map.iter().any(|value| *value != map[0]));
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
