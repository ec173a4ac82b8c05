//! `cargo xtask report`: pictures and one HTML page, from the run's files.

use std::path::Path;
use std::process::ExitCode;

use run::{Agreement, Evaluation, Explanations, read_json, read_metrics, read_predictions};

use crate::cli::RunArgs;
use crate::console;
use crate::session::Session;

pub(crate) fn run(runs: &Path, args: &RunArgs) -> anyhow::Result<ExitCode> {
    args.machine.apply()?;
    report(&Session::open(runs, args.run.as_deref(), &args.machine)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Draws the report of a run that has been evaluated.
pub(crate) fn report(session: &Session) -> anyhow::Result<()> {
    let Session { run, config, facts, data, .. } = session;
    let metrics = read_metrics(&run.metrics())?;
    let evaluation: Evaluation = read_json(&run.evaluation())?;
    let predictions = read_predictions(&run.predictions())?;
    let explanations = match run.explanations().exists() {
        true => Some(read_json::<Explanations>(&run.explanations())?),
        false => None,
    };
    let agreement = match run.agreement().exists() {
        true => Some(read_json::<Agreement>(&run.agreement())?),
        false => None,
    };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    data.dataset.test.gather(&data.test, &mut pixels, &mut labels);
    let inputs = report::Inputs {
        run_name: &run.name(),
        config,
        facts,
        metrics: &metrics,
        evaluation: &evaluation,
        predictions: &predictions,
        test_pixels: &pixels,
        agreement: agreement.as_ref(),
        explanations: explanations.as_ref(),
    };
    let written = report::write(&inputs, &run.report())?;
    console::heading("Report");
    for path in written {
        console::line(&path.display().to_string());
    }
    Ok(())
}
