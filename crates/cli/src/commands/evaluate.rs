//! `evaluate`: the scores on the test set.

use std::path::Path;
use std::process::ExitCode;

use pipeline::Session;
use run::{Doubt, Evaluation, Needs, PartScores};

pub(super) use crate::arguments::RunArgs as Args;
use crate::console;
use crate::progress::Bar;

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let session = args.open(runs, Needs::Weights)?;
    evaluate(&session)?;
    console::next("export-onnx", &session.run);
    Ok(ExitCode::SUCCESS)
}

/// Scores the run's selected checkpoint on the test set and prints the scores.
pub(super) fn evaluate(session: &Session) -> anyhow::Result<Evaluation> {
    let evaluation = Bar::during("test", |progress| pipeline::evaluate(session, progress))?;
    describe(&evaluation, session.facts.synthetic);
    Ok(evaluation)
}

/// Columns of a class's scores.
const SCORES: usize = 36;

fn describe(evaluation: &Evaluation, synthetic: bool) {
    let Evaluation { epoch, loss, accuracy, errors, classes, .. } = evaluation;
    let n: usize = classes.iter().map(|class| class.support).sum();
    let kind = if synthetic { "synthetic test digits" } else { "test images" };
    console::heading(&format!("Test: weights of epoch {epoch}, {n} {kind}"));
    console::line(&format!("accuracy {:.2} % ({errors} errors), loss {loss:.4}", accuracy * 100.0));
    if let (Some(balanced), Some(f1)) = (evaluation.balanced_accuracy, evaluation.macro_f1) {
        console::line(&format!("balanced accuracy {:.2} %, macro F1 {f1:.4}", balanced * 100.0));
    }
    let scores = |name: &str, part: &PartScores| {
        console::line(&format!(
            "same weights on {name} images: {:.2} %, loss {:.4}",
            part.accuracy * 100.0,
            part.loss
        ));
    };
    scores("training", &evaluation.train);
    if let Some(val) = &evaluation.val {
        scores("validation", val);
    }
    let longest = classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0);
    // What is left beside the numbers and the indentation.
    let width = longest.min(console::columns().saturating_sub(SCORES + 2)).max(5);
    console::line(&format!("{:<width$}  precision  recall      f1  support", "class"));
    for class in classes {
        console::line(&format!(
            "{:<width$}  {:>9.4}  {:>6.4}  {:>6.4}  {:>7}",
            console::shortened(&class.class, width),
            class.precision,
            class.recall,
            class.f1,
            class.support
        ));
    }
    console::sentence(&evaluation.verdict);
    evaluation.doubt.iter().flat_map(Doubt::sentences).for_each(|text| console::sentence(&text));
}
