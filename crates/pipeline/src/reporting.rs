//! The stage that draws the report.

use std::path::{Path, PathBuf};

use run::{
    Agreement, Config, DatasetFacts, EpochMetrics, Evaluation, Explanations, read_json,
    read_predictions, read_suspects,
};
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::session::Session;
use crate::shown_images::{augmented, originals, shown_tests};

/// Draws the plots and the HTML page of a run that has been evaluated; returns the files it wrote.
///
/// # Errors
/// [`Error::Run`](crate::Error::Run) where a record is missing or not valid, [`Error::Train`](crate::Error::Train) where
/// it does not fit to the checkpoint, [`Error::Report`](crate::Error::Report).
pub fn report(session: &Session) -> Result<Vec<PathBuf>> {
    let Session { run, config, facts, images, .. } = session;
    let metrics = session.metrics()?;
    let evaluation: Evaluation = read_json(&run.evaluation())?;
    let predictions = read_predictions(&run.predictions(), &evaluation.predictions_sha256)?;
    let explanations: Option<Explanations> = read_if_there(&run.explanations())?;
    let agreement: Option<Agreement> = read_if_there(&run.agreement())?;
    let suspects = match run.suspects().is_file() {
        true => Some(read_suspects(&run.suspects())?),
        false => None,
    };
    let originals = originals(&shown_tests(session));
    let augmented = augmented(session);
    let inputs = report::Inputs {
        run_name: &run.name(),
        config,
        facts,
        metrics: &metrics,
        evaluation: &evaluation,
        predictions: &predictions,
        test_pixels: &images.dataset.test.pixels,
        agreement: agreement.as_ref(),
        explanations: explanations.as_ref(),
        suspects: suspects.as_deref(),
        train_pixels: &images.dataset.train.pixels,
        originals: &originals,
        augmented: &augmented,
    };
    Ok(report::write(&inputs, &run.report())?)
}

/// A record, or none where the stage that writes it has not run.
pub(crate) fn read_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if path.is_file() { Ok(Some(read_json(path)?)) } else { Ok(None) }
}

/// The page of a run in training, with its curves and last figures; see [`report::live_page`].
#[must_use]
pub fn live_page(
    run_name: &str,
    (config, facts): (&Config, &DatasetFacts),
    metrics: &[EpochMetrics],
    status: &str,
) -> String {
    report::live_page(run_name, config, facts, metrics, status)
}

/// The training curves of a run as an SVG file.
///
/// # Errors
/// [`Error::Report`](crate::Error::Report) where there is no epoch yet.
pub fn curves_svg(
    run_name: &str,
    (config, facts): (&Config, &DatasetFacts),
    metrics: &[EpochMetrics],
) -> Result<Vec<u8>> {
    Ok(report::curves_svg(run_name, config, facts, metrics)?)
}
