//! What a network is worth: loss, accuracy, scores of every class, and whether it overfitted.

use dataset::Examples;
use model::Network;
use run::{ClassScores, EpochMetrics, PartScores, Prediction};

use crate::error::{Error, Result};
use crate::fit::pixel_tensor;

/// Pictures a forward pass takes when nothing is learned: enough to keep the cores busy, while the largest feature map
/// stays at 75 MB.
const BATCH: usize = 512;
/// By how much the validation loss must end above its lowest, as a part of it, before a run is said
/// to overfit: about one standard error of the mean loss over 18,000 pictures of MNIST, where single
/// losses have a standard deviation of 0.37 around a mean of 0.029.
const OVERFITTING_RISE: f64 = 0.1;

/// Mean figures over a set of pictures, and what was said of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Part that was classified rightly, in [0, 1].
    pub accuracy: f64,
    /// One entry a picture, in the order of the indices that were given.
    pub predictions: Vec<Prediction>,
}

/// Runs the pictures at `indices` through `network` and scores the answers.
///
/// `network` is to be an inference model (`model.valid()`), otherwise dropout is on.
///
/// # Errors
/// [`Error::Empty`] where there are no indices.
pub fn evaluate(network: &Network, examples: &Examples, indices: &[u32]) -> Result<Scores> {
    if indices.is_empty() {
        return Err(Error::Empty { part: "test" });
    }
    let n_classes = network.n_classes();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut predictions = Vec::with_capacity(indices.len());
    for batch in indices.chunks(BATCH) {
        examples.gather(batch, &mut pixels, &mut labels);
        let logits = logits(network, &pixels);
        for ((&index, &label), logits) in
            batch.iter().zip(&labels).zip(logits.chunks_exact(n_classes))
        {
            predictions.push(prediction(index as usize, usize::from(label), logits));
        }
    }
    let n = predictions.len() as f64;
    let n_right = predictions.iter().filter(|p| p.predicted == p.label).count();
    let loss = predictions.iter().map(|p| p.loss).sum::<f64>() / n;
    Ok(Scores { loss, accuracy: n_right as f64 / n, predictions })
}

/// [`evaluate`] without what was said of each picture.
///
/// # Errors
/// [`Error::Empty`] where there are no indices.
pub fn part_scores(network: &Network, examples: &Examples, indices: &[u32]) -> Result<PartScores> {
    let Scores { loss, accuracy, .. } = evaluate(network, examples, indices)?;
    Ok(PartScores { loss, accuracy })
}

/// The logits `[n * n_classes]` of raw pictures `[n * 784]`, in one forward pass.
#[must_use]
pub fn logits(network: &Network, pixels: &[u8]) -> Vec<f32> {
    let logits = network.forward(pixel_tensor(pixels, &network.device()));
    logits.into_data().try_into_vec().expect("the network computes in f32")
}

/// The confusion matrix `[truth][predicted]` and, from it, the scores of every class.
#[must_use]
pub fn class_scores(
    predictions: &[Prediction],
    classes: &[String],
) -> (Vec<Vec<usize>>, Vec<ClassScores>) {
    let mut confusion = vec![vec![0; classes.len()]; classes.len()];
    for prediction in predictions {
        confusion[prediction.label][prediction.predicted] += 1;
    }
    let scores = classes.iter().enumerate().map(|(class, name)| {
        let right = confusion[class][class];
        let support = confusion[class].iter().sum();
        let precision = ratio(right, confusion.iter().map(|row| row[class]).sum());
        let recall = ratio(right, support);
        let f1 = if right == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        ClassScores { class: name.clone(), precision, recall, f1, support }
    });
    let scores = scores.collect();
    (confusion, scores)
}

/// One plain sentence on whether the run overfitted, and since which epoch.
///
/// A run overfitted where its validation loss ends more than 10 % above its lowest while the training
/// loss still fell: from there on it learned its training pictures and nothing about others.
#[must_use]
pub fn verdict(history: &[EpochMetrics]) -> String {
    let Some(last) = history.last() else {
        return "No epoch was finished, so nothing can be said about overfitting.".to_owned();
    };
    let (Some((best, lowest)), Some(ended)) = (lowest(history), last.val_loss) else {
        return "No pictures were held out, so overfitting cannot be seen.".to_owned();
    };
    if history.len() == 1 {
        return "One epoch is too few to tell whether the network overfits.".to_owned();
    }
    let rise = ended / lowest - 1.0;
    let fell = last.loss < best.loss;
    if best.epoch < last.epoch && rise > OVERFITTING_RISE && fell {
        format!(
            "It overfitted since epoch {}: validation loss rose from {:.4} to {:.4} ({:+.0} %) while training loss \
             fell from {:.4} to {:.4}.",
            best.epoch,
            lowest,
            ended,
            rise * 100.0,
            best.loss,
            last.loss
        )
    } else {
        format!(
            "It did not overfit: validation loss ended at {ended:.4}, its lowest was {lowest:.4} in epoch {}.",
            best.epoch
        )
    }
}

/// The epoch with the lowest validation loss, the first of equals, and that loss; `None` where nothing was validated.
#[must_use]
pub fn lowest(history: &[EpochMetrics]) -> Option<(&EpochMetrics, f64)> {
    let validated = history.iter().filter_map(|row| row.val_loss.map(|loss| (row, loss)));
    validated.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Probabilities of `logits`, computed in f64 from the logits less their maximum, so that nothing overflows.
#[must_use]
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let highest = f64::from(logits[argmax(logits)]);
    let powers: Vec<f64> = logits.iter().map(|&z| (f64::from(z) - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Index of the largest value, the first of equals. `values` must not be empty.
#[must_use]
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// Cross-entropy by the log-sum-exp of the logits less their maximum, in f64, so that it cannot overflow.
fn prediction(index: usize, label: usize, logits: &[f32]) -> Prediction {
    let predicted = argmax(logits);
    let highest = f64::from(logits[predicted]);
    let log_sum: f64 = logits.iter().map(|&z| (f64::from(z) - highest).exp()).sum::<f64>().ln();
    let log_probability = |class: usize| f64::from(logits[class]) - highest - log_sum;
    let probability = log_probability(predicted).exp();
    // The difference of two rounded logarithms can miss zero by one unit in the last place; a loss is never negative.
    let loss = (-log_probability(label)).max(0.0);
    Prediction { index, label, predicted, probability, loss }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(label: usize, predicted: usize) -> Prediction {
        Prediction { index: 0, label, predicted, probability: 1.0, loss: 0.0 }
    }

    fn history(losses: &[(f64, f64)]) -> Vec<EpochMetrics> {
        let row = |(index, &(loss, val_loss)): (usize, &(f64, f64))| EpochMetrics {
            epoch: index + 1,
            loss,
            accuracy: 0.0,
            val_loss: Some(val_loss),
            val_accuracy: Some(0.0),
            learning_rate: 0.0,
            seconds: 0.0,
            images_per_second: 0.0,
        };
        losses.iter().enumerate().map(row).collect()
    }

    #[test]
    fn scores_fit_a_case_counted_by_hand() {
        let classes = ["a", "b", "c"].map(str::to_owned);
        let predictions = [said(0, 0), said(0, 1), said(1, 1), said(1, 1), said(2, 1)];
        let (confusion, scores) = class_scores(&predictions, &classes);
        assert_eq!(confusion, [[1, 1, 0], [0, 2, 0], [0, 1, 0]]);
        assert_eq!((scores[0].precision, scores[0].recall, scores[0].support), (1.0, 0.5, 2));
        assert_eq!((scores[1].precision, scores[1].recall), (0.5, 1.0));
        assert_eq!(scores[1].f1, 2.0 / 3.0);
        assert_eq!((scores[2].precision, scores[2].recall, scores[2].f1), (0.0, 0.0, 0.0));
    }

    #[test]
    fn loss_is_the_negative_logarithm_of_the_true_class() {
        let logits = [1.0_f32, 2.0, 3.0];
        let sum: f64 = [1.0_f64, 2.0, 3.0].map(f64::exp).iter().sum();
        let said = prediction(0, 0, &logits);
        assert_eq!(said.predicted, 2);
        assert!((said.loss - -(1.0_f64.exp() / sum).ln()).abs() < 1e-12);
        assert!((said.probability - 3.0_f64.exp() / sum).abs() < 1e-12);
        let sure = prediction(0, 1, &[0.0, 1e4]);
        assert_eq!((sure.loss, sure.probability), (0.0, 1.0));
        assert!(prediction(0, 0, &[0.0, 1e4]).loss > 9999.0);
    }

    #[test]
    fn verdict_names_the_epoch_since_which_it_overfitted() {
        let text = verdict(&history(&[(0.3, 0.06), (0.1, 0.04), (0.05, 0.045), (0.02, 0.05)]));
        assert!(text.contains("since epoch 2"), "{text}");
        let text = verdict(&history(&[(0.3, 0.06), (0.1, 0.04), (0.09, 0.041)]));
        assert!(text.contains("did not overfit"), "{text}");
        // Both losses rose: that is divergence, not overfitting.
        let text = verdict(&history(&[(0.1, 0.04), (0.9, 0.8)]));
        assert!(text.contains("did not overfit"), "{text}");
        assert!(verdict(&history(&[(0.1, 0.04)])).contains("too few"));
    }
}
