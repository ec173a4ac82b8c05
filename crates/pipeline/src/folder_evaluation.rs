//! The scores of a finished run on a labelled folder of any other images, by its ONNX file.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use run::{
    ClassScores, DatasetFacts, Evaluation, PartScores, Prediction, RunDirectory, balanced_scores,
    class_scores, read_json, read_metrics, write_json,
};
use serde::Serialize;
use serve_lite::{Classification, Classifier, classify_file, image_files};

use crate::error::{Error, Result};

/// Files between two reports of progress.
const FILES_AT_ONCE: usize = 64;

/// The scores on a labelled folder: a JSON record in the evaluation's own folder.
#[derive(Clone, Debug, Serialize)]
pub struct FolderEvaluation {
    /// The folder of images.
    pub folder: String,
    /// Images that were classified.
    pub n_images: usize,
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
}

/// Whether `folder` has folders that are called like classes: then it is labelled, and no data set in parts.
#[must_use]
pub fn is_labelled(folder: &Path, classes: &[String]) -> bool {
    let folders = subfolders(folder);
    folders.iter().any(|folder| class_of(folder, classes).is_some())
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
    let evaluation = scores(folder, &facts.classes, &answers, &predictions, unusable);
    let output = run.evaluation_of(name);
    write(run, &output, &facts, &answers, &predictions, evaluation)
}

fn labelled_files(folder: &Path, classes: &[String]) -> Result<Vec<(PathBuf, usize)>> {
    let mut files = Vec::new();
    for path in subfolders(folder) {
        let Some(class) = class_of(&path, classes) else {
            return Err(Error::UnknownClass { path, classes: classes.join(", ") });
        };
        match image_files(&path) {
            Err(serve_lite::Error::NoImages { .. }) => {}
            found => files.extend(found?.into_iter().map(|file| (file, class))),
        }
    }
    Ok(files)
}

/// The folders in a folder that are not hidden, in the order of their names.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(std::io::Result::ok);
    let is_hidden = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut folders: Vec<_> = folders.filter(|path| !is_hidden(path)).collect();
    folders.sort();
    folders
}

fn class_of(folder: &Path, classes: &[String]) -> Option<usize> {
    let name = folder.file_name()?.to_string_lossy();
    classes.iter().position(|class| *class == name)
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
    let doubted = answers.iter().filter(|answer| answer.said.doubt.is_some()).count();
    let mistake = |p: &&Prediction| Mistake {
        path: answers[p.index].path.clone(),
        label: classes[p.label].clone(),
        predicted: classes[p.predicted].clone(),
        probability: p.probability,
    };
    FolderEvaluation {
        folder: folder.display().to_string(),
        n_images: n,
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

#[derive(Serialize)]
struct Row<'a> {
    path: String,
    label: &'a str,
    predicted: &'a str,
    probability: f64,
    loss: f64,
    doubtful: bool,
}

fn write(
    run: &RunDirectory,
    output: &Path,
    facts: &DatasetFacts,
    answers: &[Answer],
    predictions: &[Prediction],
    mut evaluation: FolderEvaluation,
) -> Result<FolderEvaluation> {
    if let Some(parent) = output.parent() {
        run::create_folder(parent)?;
    }
    run::create_folder(output)?;
    let table = table(&facts.classes, answers, predictions);
    // The files are called as a run's own.
    let records = RunDirectory { path: output.to_owned() };
    let paths = [records.evaluation(), records.predictions()];
    write_json(&paths[0], &evaluation)?;
    run::write_atomically(&paths[1], &table)?;
    evaluation.files.extend(paths);
    // The plots take the records of a run; these images are its test images for them.
    let of_run: Evaluation = read_json(&run.evaluation())?;
    let facts = DatasetFacts {
        name: evaluation.folder.clone(),
        n_test: predictions.len(),
        ..facts.clone()
    };
    let pixels: Vec<u8> = answers.iter().flat_map(|answer| &answer.said.pixels).copied().collect();
    let inputs = report::Inputs {
        run_name: &run.name(),
        config: &run::Config::read(&run.config())?,
        facts: &facts,
        metrics: &read_metrics(&run.metrics())?,
        evaluation: &Evaluation {
            loss: evaluation.loss,
            accuracy: evaluation.accuracy,
            errors: evaluation.errors,
            balanced_accuracy: Some(evaluation.balanced_accuracy),
            macro_f1: Some(evaluation.macro_f1),
            classes: evaluation.classes.clone(),
            confusion: evaluation.confusion.clone(),
            train: PartScores { ..of_run.train },
            ..of_run
        },
        predictions,
        test_pixels: &pixels,
        agreement: None,
        suspects: None,
        train_pixels: &[],
        originals: &[],
        augmented: &[],
        explanations: None,
    };
    evaluation.files.extend(report::write_evaluation(&inputs, output)?);
    Ok(evaluation)
}

/// The answers as CSV, highest loss first.
fn table(classes: &[String], answers: &[Answer], predictions: &[Prediction]) -> Vec<u8> {
    let mut sorted: Vec<_> = predictions.iter().collect();
    sorted.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for p in sorted {
        let row = Row {
            path: answers[p.index].path.to_string_lossy().into_owned(),
            label: &classes[p.label],
            predicted: &classes[p.predicted],
            probability: p.probability,
            loss: p.loss,
            doubtful: answers[p.index].said.doubt.is_some(),
        };
        writer.serialize(row).expect("memory takes every row");
    }
    writer.into_inner().expect("memory needs no flush")
}
