//! `evaluate`: the scores on the test set.

use std::path::Path;
use std::process::ExitCode;

use pipeline::Session;
use run::{Evaluation, PartScores};

pub(super) use crate::arguments::RunArgs as Args;
use crate::console;

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    evaluate(&args.open(runs)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Scores the run's selected checkpoint on the test set and prints the scores.
pub(super) fn evaluate(session: &Session) -> anyhow::Result<Evaluation> {
    let evaluation = pipeline::evaluate(session)?;
    describe(&evaluation, session.facts.synthetic);
    Ok(evaluation)
}

fn describe(evaluation: &Evaluation, synthetic: bool) {
    let Evaluation { epoch, loss, accuracy, errors, classes, .. } = evaluation;
    let n: usize = classes.iter().map(|class| class.support).sum();
    let kind = if synthetic { "synthetic test digits" } else { "test images" };
    console::heading(&format!("Test: weights of epoch {epoch}, {n} {kind}"));
    console::line(&format!("accuracy {:.2} % ({errors} errors), loss {loss:.4}", accuracy * 100.0));
    let scores = |name: &str, part: &PartScores| {
        format!("{name} loss {:.4}, accuracy {:.2} %", part.loss, part.accuracy * 100.0)
    };
    let train = scores("training", &evaluation.train);
    let val =
        evaluation.val.map_or(String::new(), |val| "; ".to_owned() + &scores("validation", &val));
    console::line(&format!("the same weights: {train}{val}"));
    let width = classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0).max(5);
    console::line(&format!("{:<width$}  precision  recall      f1  support", "class"));
    for class in classes {
        console::line(&format!(
            "{:<width$}  {:>9.4}  {:>6.4}  {:>6.4}  {:>7}",
            class.class, class.precision, class.recall, class.f1, class.support
        ));
    }
    console::line(&evaluation.verdict);
}
