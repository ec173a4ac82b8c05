//! `serve`: a run's ONNX file over HTTP.

use std::path::Path;
use std::process::ExitCode;

use run::{Needs, run_name};
use serve_lite::Shutdown;

use crate::arguments::find_run;

/// What to serve, and how.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: the newest that has an ONNX file]
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    run: Option<String>,
    #[command(flatten)]
    options: serve_lite::ServeOptions,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let run = find_run(runs, args.run.as_deref(), Needs::Onnx)?;
    let _log = serve_lite::log_to_stderr(&args.options);
    let shutdown = serve_lite::serve(&run.onnx(), &args.options, &mut anstream::stdout())?;
    Ok(if shutdown == Shutdown::Forced { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
