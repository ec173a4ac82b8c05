//! From which probability on an answer is trusted.

use std::ops::ControlFlow;

use dataset::Examples;
use model::Network;
use run::{Doubt, Prediction};

use crate::error::Result;

/// Validation images that are looked at, and from which images without a right answer are made.
const MAX_IMAGES: usize = 2000;
/// The most validation images whose answer may be doubtful, as a fraction.
const MAX_DOUBTED: f64 = 0.05;
/// A prime: multiplied by it modulo an image's size, the positions of pixels are permuted.
const STRIDE: usize = 7919;

/// Chooses the probability below which an answer is doubtful, and measures it on the test set's predictions; `None`
/// without validation images.
///
/// The threshold separates validation images from images made of them that have no right answer, as far as Youden's
/// index can (W. J. Youden, "Index for rating diagnostic tests", 1950): of those that doubt at most [`MAX_DOUBTED`] of
/// the validation images, the one with the largest difference of the fractions that are trusted.
///
/// # Errors
/// [`Error::Train`](crate::Error::Train) where `network` cannot be evaluated.
pub(crate) fn calibrate(
    network: &Network,
    images: &Examples,
    val: &[u32],
    test: &[Prediction],
) -> Result<Option<Doubt>> {
    let val = &val[..val.len().min(MAX_IMAGES)];
    let corrupted = corrupted(images, val);
    if corrupted.is_empty() {
        return Ok(None);
    }
    let sorted = |examples: &Examples, indices: &[u32]| -> Result<Vec<f64>> {
        let watch = &mut |_| ControlFlow::Continue(());
        let scores = train::evaluate(network, examples, indices, watch)?;
        let mut found: Vec<f64> = scores.predictions.iter().map(|p| p.probability).collect();
        found.sort_unstable_by(f64::total_cmp);
        Ok(found)
    };
    let held_out = sorted(images, val)?;
    let all: Vec<u32> = (0..corrupted.len() as u32).collect();
    let corrupted = sorted(&corrupted, &all)?;
    let below = threshold(&held_out, &corrupted);
    let fraction = |of: &dyn Fn(&Prediction) -> bool| {
        test.iter().filter(|prediction| of(prediction)).count() as f64 / test.len().max(1) as f64
    };
    Ok(Some(Doubt {
        below,
        doubted: fraction(&|p| p.probability < below),
        confident_errors: fraction(&|p| p.probability >= below && p.predicted != p.label),
        confident_on_corrupted: trusted(&corrupted, below),
    }))
}

/// The threshold that trusts the most of `held_out` and the fewest of `corrupted`, both sorted; not empty.
fn threshold(held_out: &[f64], corrupted: &[f64]) -> f64 {
    let most_doubted = (MAX_DOUBTED * held_out.len() as f64) as usize;
    let index = |&below: &f64| trusted(held_out, below) - trusted(corrupted, below);
    let candidates = held_out[..=most_doubted.min(held_out.len() - 1)].iter().copied();
    candidates.max_by(|a, b| index(a).total_cmp(&index(b))).unwrap_or_default()
}

/// The fraction of sorted probabilities that are not below a threshold.
fn trusted(sorted: &[f64], below: f64) -> f64 {
    let doubted = sorted.partition_point(|&probability| probability < below);
    1.0 - doubted as f64 / sorted.len() as f64
}

/// Images without a right answer, made of those at `indices`: two of different classes one over the other, two side by
/// side, one with its quarters exchanged, one with its pixels scattered. Their labels mean nothing.
fn corrupted(images: &Examples, indices: &[u32]) -> Examples {
    let shape = images.shape;
    let size = shape.size();
    let mut pixels = Vec::new();
    for pair in indices.windows(2) {
        let [first, second] = [pair[0], pair[1]].map(|index| index as usize);
        if images.labels[first] == images.labels[second] {
            continue;
        }
        let [a, b] = [images.image(first), images.image(second)];
        let row = |index: usize| (index / shape.width * shape.width, index % shape.width);
        pixels.extend(a.iter().zip(b).map(|(a, b)| *a.max(b)));
        pixels.extend((0..size).map(|index| {
            let (start, column) = row(index);
            let source = if 2 * column < shape.width { a } else { b };
            let from = start + 2 * column % shape.width;
            source[from].max(source[(from + 1).min(start + shape.width - 1)])
        }));
        pixels.extend((0..size).map(|index| {
            let (start, column) = row(index);
            let plane = shape.height * shape.width;
            let shifted = (start + shape.height / 2 * shape.width) % plane + start / plane * plane;
            a[shifted + (column + shape.width / 2) % shape.width]
        }));
        pixels.extend((0..size).map(|index| a[index * STRIDE % size]));
    }
    let labels = vec![0; pixels.len() / size];
    Examples { shape, pixels, labels }
}

#[cfg(test)]
mod tests {
    use images::ImageShape;

    use super::*;

    #[test]
    fn the_threshold_separates_but_doubts_few() {
        let held_out: Vec<f64> = (0..100).map(|i| 0.9 + f64::from(i) / 1000.0).collect();
        // Half of the corrupted ones lie below all held-out ones, the others just above the first.
        let corrupted: Vec<f64> = (0..100).map(|i| if i < 50 { 0.1 } else { 0.9005 }).collect();
        let below = threshold(&held_out, &corrupted);
        assert_eq!(below, 0.901);
        assert!((trusted(&held_out, below) - 0.99).abs() < 1e-9);
        assert_eq!(trusted(&corrupted, below), 0.0);
        // No more than five of the hundred may be doubted, whatever that would separate.
        assert_eq!(threshold(&held_out, &[0.95; 100]), 0.9);
        // Where all are alike, none is doubted.
        assert_eq!(threshold(&held_out, &[1.0; 10]), 0.9);
    }

    #[test]
    fn corrupted_images_are_made_of_pairs_of_different_classes() {
        let shape = ImageShape { channels: 1, height: 4, width: 4 };
        let pixels: Vec<u8> = (0..16).chain(100..116).chain(50..66).collect();
        let images = Examples { shape, pixels, labels: vec![0, 1, 1] };
        let made = corrupted(&images, &[0, 1, 2]);
        assert_eq!(made.len(), 4);
        assert_eq!(made.image(0), images.image(1));
        assert_eq!(made.image(1)[..4], [1, 3, 101, 103]);
        assert_eq!(made.image(2)[..4], [10, 11, 8, 9]);
        let mut scattered = made.image(3).to_vec();
        assert_ne!(scattered, images.image(0));
        scattered.sort_unstable();
        assert_eq!(scattered, images.image(0));
    }
}
