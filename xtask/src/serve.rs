//! `cargo xtask serve`: a run's ONNX file over HTTP.

use std::path::Path;
use std::process::ExitCode;

use run::RunDirectory;
use serve_lite::Ended;

use crate::cli::ServeArgs;

pub(crate) fn run(runs: &Path, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let _log = serve_lite::log_to_stderr(&args.options);
    let ended = serve_lite::serve(&run.onnx(), &args.options, &mut anstream::stdout())?;
    Ok(if ended == Ended::Stopped { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
