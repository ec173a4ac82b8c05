//! The stage that scores the test set.

use std::ops::ControlFlow;

use run::{Evaluation, PartScores, class_scores, verdict, write_json, write_predictions};
use train::Checkpoint;

use crate::device;
use crate::doubt;
use crate::error::Result;
use crate::session::Session;

/// Scores the selected checkpoint on the test set; writes `evaluation.json`, `predictions.csv`, `explanations.json`.
///
/// `on_progress` hears how many images are classified, and of how many: those of all three parts.
///
/// # Errors
/// [`Error::Train`](crate::Error::Train) where the run has no sound checkpoint or its records do not fit to it,
/// [`Error::Run`](crate::Error::Run) where a file cannot be written.
pub fn evaluate(
    session: &Session,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<Evaluation> {
    let Session { run, config, facts, images, .. } = session;
    let checkpoint = Checkpoint::selected(run, config, facts, &device())?;
    let metrics = session.metrics()?;
    let network = checkpoint.network();
    let total = facts.n_test + facts.n_train + facts.n_val;
    let mut watch = |done: usize| {
        on_progress(done, total);
        ControlFlow::Continue(())
    };
    let scores = train::evaluate(&network, &images.dataset.test, &images.test, &mut watch)?;
    let mut part = |indices: &[u32], before: usize| -> Result<PartScores> {
        let mut watch = |done: usize| {
            on_progress(before + done, total);
            ControlFlow::Continue(())
        };
        Ok(train::part_scores(&network, &images.dataset.train, indices, &mut watch)?)
    };
    let train = part(&images.split.train, facts.n_test)?;
    let val = match &images.split.val[..] {
        [] => None,
        indices => Some(part(indices, facts.n_test + facts.n_train)?),
    };
    let explanations = train::explain(&network, &images.dataset.test, &scores.predictions);
    write_json(&run.explanations(), &explanations)?;
    let predictions_sha256 = write_predictions(&run.predictions(), &scores.predictions)?;
    let test = PartScores { loss: scores.loss, accuracy: scores.accuracy };
    let doubt =
        doubt::calibrate(&network, &images.dataset.train, &images.split.val, &scores.predictions)?;
    let (confusion, classes) = class_scores(&scores.predictions, &facts.classes);
    let evaluation = Evaluation {
        epoch: checkpoint.epoch(),
        loss: scores.loss,
        accuracy: scores.accuracy,
        errors: scores.predictions.iter().filter(|p| p.predicted != p.label).count(),
        classes,
        confusion,
        verdict: verdict(&metrics, &train, val.as_ref(), (&test, images.test.len())),
        train,
        val,
        predictions_sha256,
        doubt,
    };
    write_json(&run.evaluation(), &evaluation)?;
    Ok(evaluation)
}
