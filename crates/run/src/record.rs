//! The records that one stage writes and another reads.

use std::path::Path;

use images::{Background, ImageShape};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::checksum::{is_sound, sealed, sha256};
use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::reading::{read, read_text};

/// One row of `metrics.csv`. The first columns carry Keras's names, so that existing notebooks plot them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's training images, in nats, measured while the weights change, with dropout,
    /// augmentation and label smoothing on, as Keras reports it.
    pub loss: f64,
    /// Fraction of the training images classified correctly, in [0, 1], measured the same way.
    pub accuracy: f64,
    /// Mean cross-entropy over the validation images after the epoch, in nats, dropout off, of the moving average
    /// where there is one; `None` without validation images.
    pub val_loss: Option<f64>,
    /// Fraction of the validation images classified correctly, in [0, 1].
    pub val_accuracy: Option<f64>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Wall time of the epoch in seconds, training and validation together.
    pub seconds: f64,
    /// Training images a second, without validation time.
    pub images_per_second: f64,
}

/// `dataset.json`: what a run was trained on. Export and report read it instead of the images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// `MNIST` where the files' hashes say so, else the folder's name, or `synthetic digits`.
    pub name: String,
    /// Whether kiln drew the images itself; every artefact then says so.
    pub synthetic: bool,
    /// SHA-256 over all images and labels, training part first, in lower-case hexadecimal.
    pub sha256: String,
    /// Names of the classes in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Shape of every image.
    pub shape: ImageShape,
    /// Training images after the split.
    pub n_train: usize,
    /// Validation images.
    pub n_val: usize,
    /// Test images.
    pub n_test: usize,
    /// Mean level of each channel of the training part, in [0, 255].
    pub mean: Vec<f64>,
    /// Population standard deviation (ddof 0) of each channel of the training part, in [0, 255].
    pub std: Vec<f64>,
    /// The background that almost all training images have, where they are grey and no digits. Files of earlier versions
    /// leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
}

impl DatasetFacts {
    /// The first fact, in alphabetical order, in which the two differ: its key, the value here and the value in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let value = |facts: &Self| serde_json::to_value(facts).unwrap_or_default();
        let (ours, theirs) = (value(self), value(other));
        let mut facts = ours.as_object()?.iter();
        let (key, ours) = facts.find(|(key, value)| theirs.get(key) != Some(value))?;
        Some((key.clone(), ours.to_string(), theirs[key].to_string()))
    }
}

/// Scores of one class, from the row and the column of the confusion matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Name of the class.
    pub class: String,
    /// Fraction of the images predicted as this class that are of it, in [0, 1]; 0 where there are none.
    pub precision: f64,
    /// Fraction of the images of this class that were predicted as it, in [0, 1]; 0 where there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 where both are 0.
    pub f1: f64,
    /// Test images of this class.
    pub support: usize,
}

/// Mean loss and accuracy over a part of the images: dropout, augmentation and label smoothing off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartScores {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Fraction classified correctly, in [0, 1].
    pub accuracy: f64,
}

/// `evaluation.json`: the scores on the test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Epoch of the evaluated weights, counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the test images, in nats.
    pub loss: f64,
    /// Fraction of the test images classified correctly, in [0, 1].
    pub accuracy: f64,
    /// Test images classified wrongly.
    pub errors: usize,
    /// Mean recall of the classes that have test images, in [0, 1]: every class counts alike, however rare it is. `None` in
    /// files of earlier versions.
    #[serde(default)]
    pub balanced_accuracy: Option<f64>,
    /// Mean F1 of the classes that have test images or were predicted, in [0, 1]; `None` in files of earlier versions.
    #[serde(default)]
    pub macro_f1: Option<f64>,
    /// One entry a class, in the order of the classes.
    pub classes: Vec<ClassScores>,
    /// `confusion[truth][predicted]` counts test images.
    pub confusion: Vec<Vec<usize>>,
    /// In short sentences: whether the run overfitted, and from which epoch.
    pub verdict: String,
    /// The same weights on the training images. The difference to validation is the generalisation gap.
    pub train: PartScores,
    /// The same weights on the validation images; `None` without any.
    pub val: Option<PartScores>,
    /// SHA-256 of `predictions.csv`, in lower-case hexadecimal; empty in files of earlier versions.
    #[serde(default)]
    pub predictions_sha256: String,
    /// From which probability on an answer is trusted; `None` without validation images, and in earlier files.
    #[serde(default)]
    pub doubt: Option<Doubt>,
}

/// Which answers are doubtful, and how far that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// An answer with a lower probability is doubtful, in [0, 1].
    pub below: f64,
    /// Fraction of the test images whose answer is doubtful.
    pub doubted: f64,
    /// Fraction of the test images whose answer is wrong and not doubtful.
    pub confident_errors: f64,
    /// Fraction of images without a right answer (two images in one, shuffled quarters, noise), made from validation
    /// images, that get an answer that is not doubtful.
    pub confident_on_corrupted: f64,
}

impl Doubt {
    /// The figures as one sentence each: what is doubtful, and how far that can be relied on.
    #[must_use]
    pub fn sentences(&self) -> [String; 2] {
        let percent = |fraction: f64| format!("{:.1} %", 100.0 * fraction);
        [
            format!(
                "Answers below {} are called doubtful: those of {} of the test images; {:.2} % are wrong without being \
                 doubtful.",
                percent(self.below),
                percent(self.doubted),
                100.0 * self.confident_errors
            ),
            format!(
                "Of images without a right answer (two in one, exchanged quarters, scattered pixels) {} get an answer \
                 that is not doubtful.",
                percent(self.confident_on_corrupted)
            ),
        ]
    }
}

/// `timing.json`: the wall time of a training process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Wall time from the start of the process to its end, in seconds: loading, training, validation and checkpoints.
    /// `None` where the run was interrupted.
    pub seconds: Option<f64>,
}

/// `explanations.json`: the first layer's filters, and the regions that mattered in misclassified images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanations {
    /// The first convolution's filters, each its `channels * 9` weights, row by row, one channel after the other.
    pub filters: Vec<Vec<f32>>,
    /// Side of the square that hides a region of the image, in pixels, odd.
    pub patch: usize,
    /// The mistakes with the highest loss, highest first.
    pub mistakes: Vec<Occlusion>,
}

/// Which regions of a test image mattered for its prediction (Zeiler and Fergus 2014, section 4.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occlusion {
    /// Index in the test set, from 0.
    pub index: usize,
    /// `height * width` finite numbers, row by row: how much the log-odds of the predicted class, in nats, fall when the
    /// square around that pixel is set to the background. Probabilities would not move where the network is certain.
    pub importance: Vec<f32>,
}

/// One row of `predictions.csv`: the prediction for one test image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Index in the test set, from 0.
    pub index: usize,
    /// Index of the true class.
    pub label: usize,
    /// Index of the most probable class.
    pub predicted: usize,
    /// Probability of the predicted class, in [0, 1].
    pub probability: f64,
    /// Cross-entropy of this image, in nats.
    pub loss: f64,
}

/// `agreement.json`: parity of the training and the serving runtime on the same images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Images that both classified.
    pub n_images: usize,
    /// Largest difference of a probability that counts as rounding.
    pub tolerance: f64,
    /// One entry a batch size.
    pub batches: Vec<BatchAgreement>,
}

/// Parity at one batch size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchAgreement {
    /// Images a call.
    pub batch: usize,
    /// Images for which both predicted the same class.
    pub same_class: usize,
    /// Largest difference of any probability, in [0, 1].
    pub largest_difference: f64,
}

impl Agreement {
    /// Whether every image got the same class at every batch size, and no probability differed by more than the
    /// tolerance.
    #[must_use]
    pub fn holds(&self) -> bool {
        let holds = |batch: &BatchAgreement| {
            batch.same_class == self.n_images && batch.largest_difference <= self.tolerance
        };
        !self.batches.is_empty() && self.batches.iter().all(holds)
    }
}

/// Reads the rows of `metrics.csv`.
///
/// # Errors
/// [`Error::Read`], or [`Error::Malformed`] with the line.
pub fn read_metrics(path: &Path) -> Result<Vec<EpochMetrics>> {
    read_csv(path)
}

/// Reads the rows of `predictions.csv`, of which `sha256` is the checksum in the evaluation.
///
/// # Errors
/// [`Error::Read`], or [`Error::Malformed`] with the line, or where the file is not what was evaluated.
pub fn read_predictions(path: &Path, sha256: &str) -> Result<Vec<Prediction>> {
    let bytes = read(path)?;
    if !sha256.is_empty() && self::sha256(&bytes) != sha256 {
        return Err(damaged(path));
    }
    parse_csv(path, bytes.as_slice())
}

/// Writes `predictions.csv`, atomically; returns its SHA-256 in lower-case hexadecimal.
///
/// # Errors
/// [`Error::Write`].
pub fn write_predictions(path: &Path, predictions: &[Prediction]) -> Result<String> {
    let bytes = csv_bytes(path, predictions)?;
    write_atomically(path, &bytes)?;
    Ok(sha256(&bytes))
}

/// Records as CSV, for the file at `path`.
pub(crate) fn csv_bytes(path: &Path, records: &[impl Serialize]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |error: csv::Error| Error::Write { path: path.to_owned(), source: error.into() };
    for record in records {
        writer.serialize(record).map_err(write)?;
    }
    writer.into_inner().map_err(|error| Error::Write {
        path: path.to_owned(),
        source: std::io::Error::other(error.to_string()),
    })
}

/// Reads a JSON record, such as [`Evaluation`] or [`DatasetFacts`].
///
/// # Errors
/// [`Error::Read`], or [`Error::Malformed`] with line and column, or where its checksum does not fit.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = read_text(path)?;
    if !is_sound(&text) {
        return Err(damaged(path));
    }
    serde_json::from_str(&text)
        .map_err(|error| Error::Malformed { path: path.to_owned(), reason: error.to_string() })
}

/// Writes a record as indented JSON with a checksum, atomically.
///
/// # Errors
/// [`Error::Write`].
pub fn write_json<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(record)
        .map_err(|error| Error::Write { path: path.to_owned(), source: error.into() })?;
    write_atomically(path, sealed(&text).as_bytes())
}

pub(crate) fn read_csv<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    parse_csv(path, read(path)?.as_slice())
}

fn parse_csv<T: DeserializeOwned>(path: &Path, text: impl std::io::Read) -> Result<Vec<T>> {
    csv::Reader::from_reader(text)
        .deserialize()
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::Malformed { path: path.to_owned(), reason: error.to_string() })
}

fn damaged(path: &Path) -> Error {
    let reason = "its checksum does not match its content".to_owned();
    Error::Malformed { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::creation::tests::facts;

    /// Every digit of a record, changed one at a time; those of the checksum too.
    #[test]
    fn one_changed_digit_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        write_json(&path, &facts()).unwrap();
        assert_eq!(read_json::<DatasetFacts>(&path).unwrap(), facts());
        let whole = std::fs::read(&path).unwrap();
        let digits = (0..whole.len()).filter(|&at| whole[at].is_ascii_digit());
        for at in digits {
            let mut changed = whole.clone();
            changed[at] = b'0' + (changed[at] - b'0' + 1) % 10;
            std::fs::write(&path, changed).unwrap();
            let read = read_json::<DatasetFacts>(&path);
            assert!(matches!(read, Err(Error::Malformed { .. })), "byte {at}");
        }
    }

    #[test]
    fn predictions_are_those_that_were_evaluated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.csv");
        let row = Prediction { index: 0, label: 1, predicted: 1, probability: 0.75, loss: 0.25 };
        let checksum = write_predictions(&path, std::slice::from_ref(&row)).unwrap();
        assert_eq!(read_predictions(&path, &checksum).unwrap(), [row]);
        let changed = std::fs::read_to_string(&path).unwrap().replace("0.75", "0.76");
        std::fs::write(&path, changed).unwrap();
        assert!(matches!(read_predictions(&path, &checksum), Err(Error::Malformed { .. })));
        read_predictions(&path, "").unwrap();
    }

    #[test]
    fn a_difference_names_the_fact() {
        let other = DatasetFacts { mean: vec![933.3], ..facts() };
        let expected = ("mean".to_owned(), "[100.0]".to_owned(), "[933.3]".to_owned());
        assert_eq!(facts().difference(&other), Some(expected));
        assert_eq!(facts().difference(&facts()), None);
    }
}
