//! The scores of a finished run on a labelled folder of any other images, by its ONNX file.

mod labelled;
mod records;
mod trained_on;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use run::{
    ClassScores, DatasetFacts, Prediction, RunDirectory, balanced_scores, class_scores, read_json,
};
use serde::Serialize;
use serve_lite::{Classification, Classifier, classify_file};

use crate::error::{Error, Result};
pub use labelled::is_labelled;
use labelled::labelled_files;
use trained_on::n_trained_on;

/// Files between two reports of progress.
const FILES_AT_ONCE: usize = 64;

/// The scores on a labelled folder: a JSON record in the evaluation's own folder.
#[derive(Clone, Debug, Serialize)]
pub struct FolderEvaluation {
    /// The folder of images.
    pub folder: String,
    /// Images that were classified.
    pub n_images: usize,
    /// Images, by their content, that the run was trained or validated on: the scores say little of new images where there
    /// are some. They are found where the run's images still are where they were.
    pub n_trained_on: usize,
    /// Images classified wrongly.
    pub errors: usize,
    /// Fraction classified correctly, in [0, 1].
    pub accuracy: f64,
    /// Mean of the recalls of the classes that have images, in [0, 1].
    pub balanced_accuracy: f64,
    /// Mean F1 of the classes that have images or were predicted, in [0, 1].
    pub macro_f1: f64,
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Fraction whose answer is doubtful.
    pub doubted: f64,
    /// One entry a class of the run, in its order.
    pub classes: Vec<ClassScores>,
    /// `confusion[truth][predicted]` counts images.
    pub confusion: Vec<Vec<usize>>,
    /// Why files could not be classified, one text a file.
    pub unusable: Vec<String>,
    /// The mistakes, highest loss first.
    #[serde(skip)]
    pub mistakes: Vec<Mistake>,
    /// The files that were written.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
}

/// An image whose answer is wrong.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// The image file.
    pub path: PathBuf,
    /// Name of its class.
    pub label: String,
    /// Name of the class that was predicted.
    pub predicted: String,
    /// The probability of that class.
    pub probability: f64,
}

/// An image file, its class, and what the model says.
struct Answer {
    path: PathBuf,
    label: usize,
    said: Classification,
    /// `None` where the model does not say from which probability on an answer is to be relied on.
    doubtful: Option<bool>,
}

/// Scores a finished run on `folder`, in which every folder is called like a class of the run and has its images; classes
/// may be missing. Writes `evaluation.json`, `predictions.csv` with the worst answers first, and the plots into
/// `evaluations/NAME` of the run, and replaces what was there.
///
/// # Errors
/// [`Error::NotExported`], [`Error::UnknownClass`], [`Error::NothingUsable`]; [`Error::Run`] where a record of the run
/// cannot be read or a file not be written, [`Error::Serve`], [`Error::Report`].
pub fn evaluate_folder(
    run: &RunDirectory,
    folder: &Path,
    name: &str,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<FolderEvaluation> {
    let facts: DatasetFacts = read_json(&run.dataset())?;
    if !run.onnx().is_file() {
        return Err(Error::NotExported { path: run.onnx() });
    }
    let classifier = Classifier::load(&run.onnx())?;
    let files = labelled_files(folder, &facts.classes)?;
    let (answers, unusable) = answers(&classifier, &files, on_progress);
    if answers.is_empty() {
        let first = unusable.first().cloned().unwrap_or_default();
        return Err(Error::NothingUsable { path: folder.to_owned(), first });
    }
    let predictions: Vec<Prediction> = answers.iter().enumerate().map(prediction).collect();
    let mut evaluation = scores(folder, &facts.classes, &answers, &predictions, unusable);
    evaluation.n_trained_on = n_trained_on(run, &files);
    let output = run.evaluation_of(name);
    records::write(run, &output, &facts, &answers, &predictions, evaluation)
}

fn answers(
    classifier: &Classifier,
    files: &[(PathBuf, usize)],
    on_progress: &mut dyn FnMut(usize, usize),
) -> (Vec<Answer>, Vec<String>) {
    let (mut answers, mut unusable) = (Vec::new(), Vec::new());
    for (at, chunk) in files.chunks(FILES_AT_ONCE).enumerate() {
        let results: Vec<_> =
            chunk.par_iter().map(|(path, _)| classify_file(classifier, path, None)).collect();
        for ((path, label), result) in chunk.iter().zip(results) {
            match result {
                Ok(said) => answers.extend(said.into_iter().map(|said| Answer {
                    path: path.clone(),
                    label: *label,
                    doubtful: classifier.is_doubtful(said.doubt),
                    said,
                })),
                Err(error) => {
                    let source = std::error::Error::source(&error);
                    let why = source.map(|why| format!(": {why}")).unwrap_or_default();
                    unusable.push(format!("{error}{why}"));
                }
            }
        }
        on_progress(at * FILES_AT_ONCE + chunk.len(), files.len());
    }
    (answers, unusable)
}

/// A probability of 0 would have an infinite loss, which JSON and plots cannot show.
fn prediction((index, answer): (usize, &Answer)) -> Prediction {
    let Answer { label, said, .. } = answer;
    let loss = -f64::from(said.probabilities[*label].max(f32::MIN_POSITIVE)).ln();
    let probability = f64::from(said.probabilities[said.class]);
    Prediction { index, label: *label, predicted: said.class, probability, loss }
}

fn scores(
    folder: &Path,
    classes: &[String],
    answers: &[Answer],
    predictions: &[Prediction],
    unusable: Vec<String>,
) -> FolderEvaluation {
    let n = predictions.len();
    let (confusion, scores) = class_scores(predictions, classes);
    let mut wrong: Vec<_> = predictions.iter().filter(|p| p.predicted != p.label).collect();
    wrong.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    let (balanced_accuracy, macro_f1) = balanced_scores(&confusion, &scores);
    let doubted = answers.iter().filter(|answer| answer.doubtful == Some(true)).count();
    let mistake = |p: &&Prediction| Mistake {
        path: answers[p.index].path.clone(),
        label: classes[p.label].clone(),
        predicted: classes[p.predicted].clone(),
        probability: p.probability,
    };
    FolderEvaluation {
        folder: folder.display().to_string(),
        n_images: n,
        n_trained_on: 0,
        errors: wrong.len(),
        accuracy: (n - wrong.len()) as f64 / n as f64,
        balanced_accuracy,
        macro_f1,
        loss: predictions.iter().map(|p| p.loss).sum::<f64>() / n as f64,
        doubted: doubted as f64 / n as f64,
        mistakes: wrong.iter().map(mistake).collect(),
        classes: scores,
        confusion,
        unusable,
        files: Vec::new(),
    }
}
