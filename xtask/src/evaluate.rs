//! `cargo xtask evaluate`: the one look at the test set.

use std::path::Path;
use std::process::ExitCode;

use run::{Evaluation, PartScores, write_json, write_predictions};
use train::Checkpoint;

use crate::cli::RunArgs;
use crate::console;
use crate::session::Session;

pub(crate) fn run(runs: &Path, args: &RunArgs) -> anyhow::Result<ExitCode> {
    args.machine.apply()?;
    evaluate(&Session::open(runs, args.run.as_deref(), &args.machine)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Scores the selected checkpoint on the test set, and writes `evaluation.json` and `predictions.csv`.
pub(crate) fn evaluate(session: &Session) -> anyhow::Result<Evaluation> {
    let Session { run, config, facts, data, .. } = session;
    let checkpoint = Checkpoint::selected(run, config.checkpoint, &session.network())?;
    let network = checkpoint.network();
    let scores = train::evaluate(&network, &data.dataset.test, &data.test)?;
    let part = |indices: &[u32]| train::part_scores(&network, &data.dataset.train, indices);
    let (confusion, classes) = train::class_scores(&scores.predictions, &facts.classes);
    let evaluation = Evaluation {
        epoch: checkpoint.epoch(),
        loss: scores.loss,
        accuracy: scores.accuracy,
        errors: scores.predictions.iter().filter(|p| p.predicted != p.label).count(),
        classes,
        confusion,
        verdict: train::verdict(&run::read_metrics(&run.metrics())?),
        train: part(&data.split.train)?,
        val: if data.split.val.is_empty() { None } else { Some(part(&data.split.val)?) },
    };
    let explanations = train::explain(&network, &data.dataset.test, &scores.predictions);
    write_json(&run.explanations(), &explanations)?;
    write_predictions(&run.predictions(), &scores.predictions)?;
    write_json(&run.evaluation(), &evaluation)?;
    describe(&evaluation, facts.synthetic);
    Ok(evaluation)
}

fn describe(evaluation: &Evaluation, synthetic: bool) {
    let n: usize = evaluation.classes.iter().map(|class| class.support).sum();
    let kind = if synthetic { "synthetic test digits" } else { "test pictures" };
    console::heading(&format!("Test: weights of epoch {}, {n} {kind}", evaluation.epoch));
    let percent = evaluation.accuracy * 100.0;
    console::line(&format!(
        "accuracy {percent:.2} % ({} errors), loss {:.4}",
        evaluation.errors, evaluation.loss
    ));
    let gap = |name: &str, part: &PartScores| {
        format!("{name} loss {:.4}, accuracy {:.2} %", part.loss, part.accuracy * 100.0)
    };
    let parts = [
        Some(("training", &evaluation.train)),
        evaluation.val.as_ref().map(|val| ("validation", val)),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().map(|(name, part)| gap(name, part)).collect();
    console::line(&format!("the same weights: {}", parts.join("; ")));
    let width = evaluation
        .classes
        .iter()
        .map(|class| class.class.chars().count())
        .max()
        .unwrap_or(0)
        .max(5);
    console::line(&format!("{:<width$}  precision  recall      f1  support", "class"));
    for class in &evaluation.classes {
        console::line(&format!(
            "{:<width$}  {:>9.4}  {:>6.4}  {:>6.4}  {:>7}",
            class.class, class.precision, class.recall, class.f1, class.support
        ));
    }
    console::line(&evaluation.verdict);
}
