//! Scores of predictions and of training histories; pure functions over records.

use crate::record::{ClassScores, EpochMetrics, PartScores, Prediction};

/// By how much the validation loss must end above its lowest, as a fraction of it, before a run counts as overfitted:
/// about one standard error of the mean loss over 18,000 images of MNIST, where single losses have a standard deviation
/// of 0.37 around a mean of 0.029.
const OVERFITTING_RISE: f64 = 0.1;

/// By how much the test accuracy must lie below another before that counts: the gap of networks that generalise well,
/// such as those of the recipes on MNIST, stays below one point.
const WIDE_GAP: f64 = 0.02;

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

/// Balanced accuracy and macro F1, in [0, 1]: the mean recall of the classes that have test images, and the mean F1 of those
/// that have or that were predicted, as scikit-learn's `balanced_accuracy_score` and `f1_score(average="macro")`; 0 without
/// images.
#[must_use]
pub fn balanced_scores(confusion: &[Vec<usize>], classes: &[ClassScores]) -> (f64, f64) {
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let is_predicted = |class: usize| confusion.iter().any(|row| row[class] > 0);
    let tested = classes.iter().filter(|class| class.support > 0).map(|class| class.recall);
    let known = classes.iter().enumerate().filter(|(i, c)| c.support > 0 || is_predicted(*i));
    (mean(tested.collect()), mean(known.map(|(_, class)| class.f1).collect()))
}

/// In short sentences: whether the run overfitted, and from which epoch.
///
/// A run overfitted if its validation loss ends more than 10 % above its lowest while the training loss still fell. Where
/// nothing was held out, it overfitted if the test accuracy is far below that of the `train`ing images, by more than
/// chance and by more than two points. A test accuracy as far below `val` is said in any case: the test images are of
/// another kind then.
#[must_use]
pub fn verdict(
    history: &[EpochMetrics],
    train: &PartScores,
    val: Option<&PartScores>,
    (test, n_test): (&PartScores, usize),
) -> String {
    let Some(last) = history.last() else {
        return "No epoch was finished, so overfitting cannot be judged.".to_owned();
    };
    let percent = |part: &PartScores| format!("{:.2} %", 100.0 * part.accuracy);
    let (on_train, on_test) = (percent(train), percent(test));
    let Some(val) = val else {
        let judged = "Nothing was held out for validation, so the test images tell";
        return match is_far_below(test, train, n_test) {
            true => format!(
                "{judged}: it overfitted, training accuracy is {on_train}, test accuracy {on_test}."
            ),
            false => format!(
                "{judged}: it did not overfit, training accuracy is {on_train}, test accuracy {on_test}."
            ),
        };
    };
    let mut verdict = by_validation(history, last);
    if is_far_below(test, val, n_test) {
        verdict += &format!(
            " The test images differ from those of training: test accuracy is {on_test}, validation accuracy {}.",
            percent(val)
        );
    }
    verdict
}

/// Whether the accuracy of `n` images is below another by more than two points and more than three standard errors.
fn is_far_below(part: &PartScores, other: &PartScores, n: usize) -> bool {
    let error = (part.accuracy * (1.0 - part.accuracy) / n as f64).sqrt();
    other.accuracy - part.accuracy > WIDE_GAP.max(3.0 * error)
}

fn by_validation(history: &[EpochMetrics], last: &EpochMetrics) -> String {
    let (Some((best, lowest)), Some(ended)) = (lowest(history), last.val_loss) else {
        return "There is no finite validation loss, so overfitting cannot be judged.".to_owned();
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

/// Log-odds of a class, ln(p / (1 - p)) of its softmax p, in nats: its logit less the log-sum-exp of the others.
///
/// Unlike the probability, which rounds to 1, it tells how certain a certain answer is. There must be two classes at
/// least.
#[must_use]
pub fn log_odds(logits: &[f32], class: usize) -> f64 {
    let others =
        || logits.iter().enumerate().filter(|&(c, _)| c != class).map(|(_, &z)| f64::from(z));
    let highest = others().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = highest + others().map(|z| (z - highest).exp()).sum::<f64>().ln();
    f64::from(logits[class]) - log_sum
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
    fn log_odds_are_those_of_the_softmax_and_never_saturate() {
        let logits = [1.0_f32, 2.0, 3.0];
        let probability = softmax(&logits)[1];
        let expected = (probability / (1.0 - probability)).ln();
        assert!((log_odds(&logits, 1) - expected).abs() < 1e-12);
        assert_eq!(log_odds(&[200.0, 0.0, f32::MIN], 0), 200.0);
        assert_eq!(log_odds(&[900.0, 0.0], 1), -900.0);
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
        // scikit-learn: balanced_accuracy_score 0.5, f1_score(average="macro") 4/9.
        let (accuracy, f1) = balanced_scores(&confusion, &scores);
        assert!((accuracy - 0.5).abs() < 1e-12 && (f1 - 4.0 / 9.0).abs() < 1e-12, "{f1}");
    }

    #[test]
    fn classes_without_test_images_count_only_where_they_are_predicted() {
        let classes = ["a", "b", "c", "d"].map(str::to_owned);
        let predictions = [predicted(0, 0), predicted(0, 0), predicted(1, 3), predicted(1, 1)];
        let (confusion, scores) = class_scores(&predictions, &classes);
        let (accuracy, f1) = balanced_scores(&confusion, &scores);
        assert_eq!(accuracy, 0.75, "of a and b");
        assert!((f1 - (1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12, "of a, b and d: {f1}");
        assert_eq!(balanced_scores(&[], &[]), (0.0, 0.0));
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

    fn scores(accuracy: f64) -> PartScores {
        PartScores { loss: 0.1, accuracy }
    }

    /// The verdict of a history whose accuracies do not matter.
    fn validated(history: &[EpochMetrics]) -> String {
        let good = scores(0.99);
        verdict(history, &good, Some(&good), (&good, 1000))
    }

    #[test]
    fn the_verdict_names_the_epoch_from_which_it_overfitted() {
        let text = validated(&history(&[(0.3, 0.06), (0.1, 0.04), (0.05, 0.045), (0.02, 0.05)]));
        assert!(text.contains("from epoch 2"), "{text}");
        let text = validated(&history(&[(0.3, 0.06), (0.1, 0.04), (0.09, 0.041)]));
        assert!(text.contains("did not overfit"), "{text}");
        // Both losses rose: that is divergence, not overfitting.
        let text = validated(&history(&[(0.1, 0.04), (0.9, 0.8)]));
        assert!(text.contains("did not overfit"), "{text}");
        assert!(validated(&history(&[(0.1, 0.04)])).contains("too few"));
    }

    #[test]
    fn the_test_gap_judges_where_nothing_was_held_out() {
        let epochs = history(&[(0.1, 0.0)]);
        let judge = |test: f64, n| verdict(&epochs, &scores(0.998), None, (&scores(test), n));
        let text = judge(0.378, 600);
        assert!(text.contains("it overfitted") && text.contains("99.80 %"), "{text}");
        assert!(text.contains("37.80 %"), "{text}");
        assert!(judge(0.9945, 10_000).contains("did not overfit"));
        // Three standard errors of 20 images are twenty points.
        assert!(judge(0.9, 20).contains("did not overfit"));
    }

    #[test]
    fn test_images_of_another_kind_are_named() {
        let epochs = history(&[(0.1, 0.04), (0.05, 0.03)]);
        let train = scores(0.999);
        let text = verdict(&epochs, &train, Some(&scores(0.99)), (&scores(0.378), 600));
        assert!(text.contains("did not overfit") && text.contains("differ from those"), "{text}");
    }
}
