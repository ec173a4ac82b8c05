//! The stage that scores the test set.

use run::{Evaluation, PartScores, class_scores, verdict, write_json, write_predictions};
use train::Checkpoint;

use crate::device;
use crate::error::Result;
use crate::session::Session;

/// Scores the selected checkpoint on the test set; writes `evaluation.json`, `predictions.csv`, `explanations.json`.
///
/// # Errors
/// [`Error::Train`](crate::Error::Train) where the run has no sound checkpoint, [`Error::Run`](crate::Error::Run)
/// where a file cannot be written.
pub fn evaluate(session: &Session) -> Result<Evaluation> {
    let Session { run, config, facts, images, .. } = session;
    let selection = config.training.checkpoint;
    let checkpoint = Checkpoint::selected(run, selection, &session.network(), &device())?;
    let network = checkpoint.network();
    let scores = train::evaluate(&network, &images.dataset.test, &images.test)?;
    let part = |indices: &[u32]| -> Result<PartScores> {
        Ok(train::part_scores(&network, &images.dataset.train, indices)?)
    };
    let test = PartScores { loss: scores.loss, accuracy: scores.accuracy };
    let train = part(&images.split.train)?;
    let val = if images.split.val.is_empty() { None } else { Some(part(&images.split.val)?) };
    let history = run::read_metrics(&run.metrics())?;
    let (confusion, classes) = class_scores(&scores.predictions, &facts.classes);
    let evaluation = Evaluation {
        epoch: checkpoint.epoch(),
        loss: scores.loss,
        accuracy: scores.accuracy,
        errors: scores.predictions.iter().filter(|p| p.predicted != p.label).count(),
        classes,
        confusion,
        verdict: verdict(&history, &train, val.as_ref(), (&test, images.test.len())),
        train,
        val,
    };
    let explanations = train::explain(&network, &images.dataset.test, &scores.predictions);
    write_json(&run.explanations(), &explanations)?;
    write_predictions(&run.predictions(), &scores.predictions)?;
    write_json(&run.evaluation(), &evaluation)?;
    Ok(evaluation)
}
