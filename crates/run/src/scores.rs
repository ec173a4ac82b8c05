//! Scores of predictions and of training histories; pure functions over records.

use crate::record::{ClassScores, EpochMetrics, Prediction};

/// By how much the validation loss must end above its lowest, as a fraction of it, before a run counts as overfitted:
/// about one standard error of the mean loss over 18,000 images of MNIST, where single losses have a standard deviation
/// of 0.37 around a mean of 0.029.
const OVERFITTING_RISE: f64 = 0.1;

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
        let correct = confusion[class][class];
        let support = confusion[class].iter().sum();
        let precision = ratio(correct, confusion.iter().map(|row| row[class]).sum());
        let recall = ratio(correct, support);
        let f1 = if correct == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        ClassScores { class: name.clone(), precision, recall, f1, support }
    });
    let scores = scores.collect();
    (confusion, scores)
}

/// One sentence: whether the run overfitted, and from which epoch.
///
/// A run overfitted if its validation loss ends more than 10 % above its lowest while the training loss still fell.
#[must_use]
pub fn verdict(history: &[EpochMetrics]) -> String {
    let Some(last) = history.last() else {
        return "No epoch was finished, so overfitting cannot be judged.".to_owned();
    };
    let (Some((best, lowest)), Some(ended)) = (lowest(history), last.val_loss) else {
        return "There is no validation loss, so overfitting cannot be judged.".to_owned();
    };
    if history.len() == 1 {
        return "One epoch is too few to judge overfitting.".to_owned();
    }
    let rise = ended / lowest - 1.0;
    let fell = last.loss < best.loss;
    if best.epoch < last.epoch && rise > OVERFITTING_RISE && fell {
        format!(
            "It overfitted from epoch {}: validation loss rose from {:.4} to {:.4} ({:+.0} %) while training loss \
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

/// The epoch with the lowest finite validation loss, the first of equals, and that loss; `None` where there is none.
#[must_use]
pub fn lowest(history: &[EpochMetrics]) -> Option<(&EpochMetrics, f64)> {
    let validated = history.iter().filter_map(|row| Some((row, row.val_loss?)));
    let finite = validated.filter(|(_, loss)| loss.is_finite());
    finite.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Softmax of `logits`, which must not be empty: computed in f64 after subtracting the maximum, so that it cannot
/// overflow.
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

/// The prediction for the image `index` of class `label`, from its `logits`.
///
/// The cross-entropy is the log-sum-exp of the logits less their maximum, in f64, so that it cannot overflow.
#[must_use]
pub fn prediction(index: usize, label: usize, logits: &[f32]) -> Prediction {
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

    fn predicted(label: usize, predicted: usize) -> Prediction {
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
        let predictions =
            [predicted(0, 0), predicted(0, 1), predicted(1, 1), predicted(1, 1), predicted(2, 1)];
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
        let scored = prediction(0, 0, &logits);
        assert_eq!(scored.predicted, 2);
        assert!((scored.loss - -(1.0_f64.exp() / sum).ln()).abs() < 1e-12);
        assert!((scored.probability - 3.0_f64.exp() / sum).abs() < 1e-12);
        let sure = prediction(0, 1, &[0.0, 1e4]);
        assert_eq!((sure.loss, sure.probability), (0.0, 1.0));
        assert!(prediction(0, 0, &[0.0, 1e4]).loss > 9999.0);
    }

    #[test]
    fn the_verdict_names_the_epoch_from_which_it_overfitted() {
        let text = verdict(&history(&[(0.3, 0.06), (0.1, 0.04), (0.05, 0.045), (0.02, 0.05)]));
        assert!(text.contains("from epoch 2"), "{text}");
        let text = verdict(&history(&[(0.3, 0.06), (0.1, 0.04), (0.09, 0.041)]));
        assert!(text.contains("did not overfit"), "{text}");
        // Both losses rose: that is divergence, not overfitting.
        let text = verdict(&history(&[(0.1, 0.04), (0.9, 0.8)]));
        assert!(text.contains("did not overfit"), "{text}");
        assert!(verdict(&history(&[(0.1, 0.04)])).contains("too few"));
    }
}
