//! The stage that scores the test set.

use std::ops::ControlFlow;

use run::{
    Evaluation, HeldOut, PartScores, balanced_scores, class_scores, suspects, verdict, write_json,
    write_predictions, write_suspects,
};
use train::{Checkpoint, Scores};

use crate::device;
use crate::doubt;
use crate::error::Result;
use crate::session::Session;

/// Scores the selected checkpoint on the test set; writes `evaluation.json`, `predictions.csv`, `suspects.csv`,
/// `explanations.json`.
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
    let mut part = |indices: &[u32], before: usize| -> Result<Scores> {
        let mut watch = |done: usize| {
            on_progress(before + done, total);
            ControlFlow::Continue(())
        };
        Ok(train::evaluate(&network, &images.dataset.train, indices, &mut watch)?)
    };
    let train = of_part(&part(&images.split.train, facts.n_test)?);
    let val = match &images.split.val[..] {
        [] => None,
        indices => Some(part(indices, facts.n_test + facts.n_train)?),
    };
    let held_out = [
        (HeldOut::Validation, val.as_ref().map_or(&[][..], |val| &val.predictions)),
        (HeldOut::Test, &scores.predictions),
    ];
    let path = |part, index: usize| {
        let paths = match part {
            HeldOut::Validation => &images.dataset.train_paths,
            HeldOut::Test => &images.dataset.test_paths,
        };
        paths.get(index).map(|path| path.display().to_string())
    };
    let suspects = suspects(&held_out, &facts.classes, &path);
    write_suspects(&run.suspects(), &suspects)?;
    let val = val.as_ref().map(of_part);
    let explanations = train::explain(&network, &images.dataset.test, &scores.predictions);
    write_json(&run.explanations(), &explanations)?;
    let predictions_sha256 = write_predictions(&run.predictions(), &scores.predictions)?;
    let test = of_part(&scores);
    let doubt =
        doubt::calibrate(&network, &images.dataset.train, &images.split.val, &scores.predictions)?;
    let (confusion, classes) = class_scores(&scores.predictions, &facts.classes);
    let (balanced_accuracy, macro_f1) = balanced_scores(&confusion, &classes);
    let evaluation = Evaluation {
        epoch: checkpoint.epoch(),
        loss: scores.loss,
        accuracy: scores.accuracy,
        errors: scores.predictions.iter().filter(|p| p.predicted != p.label).count(),
        balanced_accuracy: Some(balanced_accuracy),
        macro_f1: Some(macro_f1),
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

const fn of_part(scores: &Scores) -> PartScores {
    PartScores { loss: scores.loss, accuracy: scores.accuracy }
}
