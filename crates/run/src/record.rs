//! The records that one stage writes and another reads.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::file::write_atomically;

/// One row of `metrics.csv`. The first columns carry Keras's names, so that existing notebooks plot them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the epoch's training pictures, in nats, measured as the weights moved, with dropout and
    /// augmentation on and against smoothed targets where they are, as Keras reports it.
    pub loss: f64,
    /// Part of the training pictures classified rightly, in [0, 1], measured likewise.
    pub accuracy: f64,
    /// Mean cross-entropy over the validation pictures after the epoch, in nats, dropout off, of the moving average
    /// where there is one; `None` where nothing is held out.
    pub val_loss: Option<f64>,
    /// Part of the validation pictures classified rightly, in [0, 1].
    pub val_accuracy: Option<f64>,
    /// Adam's step size in the epoch's last step.
    pub learning_rate: f64,
    /// Wall time of the epoch in seconds, training and validation together.
    pub seconds: f64,
    /// Training pictures a second, validation time left out.
    pub images_per_second: f64,
}

/// What a run was trained on: the facts that export and report need, so that neither needs the pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// `MNIST` where the files' hashes say so, else the folder's name, or `synthetic digits`.
    pub name: String,
    /// Whether kiln drew the pictures itself. Every artefact says so where it is true.
    pub synthetic: bool,
    /// SHA-256 over all pictures and labels, training part first, in lower-case hexadecimal.
    pub sha256: String,
    /// Names of the classes in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Training pictures after the split.
    pub n_train: usize,
    /// Validation pictures.
    pub n_val: usize,
    /// Test pictures.
    pub n_test: usize,
    /// Mean grey level of the training part, in [0, 255].
    pub mean: f64,
    /// Population standard deviation (ddof 0) of the training part's grey levels, in [0, 255].
    pub std: f64,
}

/// Scores of one class, from the row and the column of the confusion matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Name of the class.
    pub class: String,
    /// Right among those predicted as this class, in [0, 1]; 0 where none was.
    pub precision: f64,
    /// Found among those that are of this class, in [0, 1]; 0 where none is.
    pub recall: f64,
    /// Harmonic mean of precision and recall; 0 where both are.
    pub f1: f64,
    /// Test pictures of this class.
    pub support: usize,
}

/// Mean figures over a part of the pictures as they are: dropout and augmentation off, targets not smoothed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartScores {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Part that was classified rightly, in [0, 1].
    pub accuracy: f64,
}

/// `evaluation.json`: the one look at the test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Epoch of the evaluated weights, counted from 1.
    pub epoch: usize,
    /// Mean cross-entropy over the test pictures, in nats.
    pub loss: f64,
    /// Part of the test pictures classified rightly, in [0, 1].
    pub accuracy: f64,
    /// Wrong ones among the test pictures.
    pub errors: usize,
    /// One entry a class, in the order of the classes.
    pub classes: Vec<ClassScores>,
    /// `confusion[truth][predicted]` counts test pictures.
    pub confusion: Vec<Vec<usize>>,
    /// One plain sentence: whether the run overfitted, and since which epoch.
    pub verdict: String,
    /// The same weights on the training pictures, each as it is; their difference to validation is the gap that
    /// overfitting opens.
    pub train: PartScores,
    /// The same weights on the validation pictures; `None` where nothing is held out.
    pub val: Option<PartScores>,
}

/// `timing.json`: what a training process cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Wall time from the start of the process to its end, in seconds: loading, training, validation and checkpoints.
    /// `None` where the run was interrupted.
    pub seconds: Option<f64>,
}

/// `explanations.json`: what the first layer looks for, and where the picture mattered for mistakes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanations {
    /// The first convolution's filters, each its 9 weights row by row.
    pub filters: Vec<Vec<f32>>,
    /// Side of the square that hides a part of the picture, in pixels, odd.
    pub patch: usize,
    /// The most expensive mistakes, in that order.
    pub mistakes: Vec<Occlusion>,
}

/// Where a test picture mattered for what was said of it (Zeiler and Fergus 2014, section 4.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Occlusion {
    /// Index in the test set, from 0.
    pub index: usize,
    /// `28 * 28` numbers in [-1, 1], row by row: by how much the probability of the predicted class falls when the square
    /// around that pixel is background.
    pub importance: Vec<f32>,
}

/// One row of `predictions.csv`: what the network said of one test picture.
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
    /// Cross-entropy of this picture, in nats: how wrong, or how unsure, the network was.
    pub loss: f64,
}

/// `agreement.json`: how the training and the serving runtime answered the same pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Pictures that both were given.
    pub n_images: usize,
    /// Largest difference of a probability that is taken for rounding.
    pub tolerance: f64,
    /// One entry a batch size.
    pub batches: Vec<BatchAgreement>,
}

/// How both runtimes answered at one batch size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchAgreement {
    /// Pictures a call.
    pub batch: usize,
    /// Pictures for which both named the same class.
    pub same_class: usize,
    /// Largest difference of any probability, in [0, 1].
    pub largest_difference: f64,
}

impl Agreement {
    /// Whether every picture got the same class at every batch size, and no probability differed beyond tolerance.
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

/// Reads the rows of `predictions.csv`.
///
/// # Errors
/// [`Error::Read`], or [`Error::Malformed`] with the line.
pub fn read_predictions(path: &Path) -> Result<Vec<Prediction>> {
    read_csv(path)
}

/// Writes `predictions.csv`, atomically.
///
/// # Errors
/// [`Error::Write`].
pub fn write_predictions(path: &Path, predictions: &[Prediction]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let write = |error: csv::Error| Error::Write { path: path.to_owned(), source: error.into() };
    for prediction in predictions {
        writer.serialize(prediction).map_err(write)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Write {
        path: path.to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    write_atomically(path, &bytes)
}

/// Reads a JSON record, such as [`Evaluation`] or [`DatasetFacts`].
///
/// # Errors
/// [`Error::Read`], or [`Error::Malformed`] with line and column.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Malformed { path: path.to_owned(), reason: error.to_string() })
}

/// Writes a record as indented JSON, atomically.
///
/// # Errors
/// [`Error::Write`].
pub fn write_json<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    let mut text = serde_json::to_string_pretty(record)
        .map_err(|error| Error::Write { path: path.to_owned(), source: error.into() })?;
    text.push('\n');
    write_atomically(path, text.as_bytes())
}

fn read_csv<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = std::fs::File::open(path)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    csv::Reader::from_reader(std::io::BufReader::new(file))
        .deserialize()
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::Malformed { path: path.to_owned(), reason: error.to_string() })
}
