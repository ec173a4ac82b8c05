//! `report`: plots and one HTML page, from the run's files.

use std::path::Path;
use std::process::ExitCode;

use pipeline::Session;
use run::Needs;

pub(super) use crate::arguments::RunArgs as Args;
use crate::console;

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let session = args.open(runs, Needs::Evaluation)?;
    report(&session)?;
    let next = if session.run.onnx().is_file() { "serve" } else { "export-onnx" };
    console::next(next, &session.run);
    Ok(ExitCode::SUCCESS)
}

/// Draws the report of a run that has been evaluated and prints the files.
pub(super) fn report(session: &Session) -> anyhow::Result<()> {
    let files = pipeline::report(session)?;
    console::heading("Report");
    console::files(&files);
    Ok(())
}
