//! `serve`: a run's ONNX file over HTTP.

use std::path::Path;
use std::process::ExitCode;

use run::RunDirectory;
use serve_lite::Shutdown;

/// What to serve, and how.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    #[command(flatten)]
    options: serve_lite::ServeOptions,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let _log = serve_lite::log_to_stderr(&args.options);
    let shutdown = serve_lite::serve(&run.onnx(), &args.options, &mut anstream::stdout())?;
    Ok(if shutdown == Shutdown::Forced { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
