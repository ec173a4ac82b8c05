//! `cargo xtask predict`: what a run says of a picture.

use std::path::Path;
use std::process::ExitCode;

use run::RunDirectory;

use crate::cli::PredictArgs;

pub(crate) fn run(runs: &Path, args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    serve_lite::predict(&run.onnx(), &args.predict)
}
