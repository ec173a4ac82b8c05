//! The files of an evaluation: its scores, its answers, and its plots.

use std::path::Path;

use run::{
    DatasetFacts, Evaluation, PartScores, Prediction, RunDirectory, read_json, read_metrics,
    write_json,
};
use serde::Serialize;

use super::{Answer, FolderEvaluation};
use crate::error::Result;

#[derive(Serialize)]
struct Row<'a> {
    path: String,
    label: &'a str,
    predicted: &'a str,
    probability: f64,
    loss: f64,
    doubtful: Option<bool>,
}

/// Writes the records and plots of an evaluation into `output`, and notes which files these are.
pub(super) fn write(
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
            doubtful: answers[p.index].doubtful,
        };
        writer.serialize(row).expect("memory takes every row");
    }
    writer.into_inner().expect("memory needs no flush")
}
