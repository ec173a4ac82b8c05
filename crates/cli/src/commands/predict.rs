//! `predict`: classify image files with a run's ONNX file.

use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use run::{Needs, run_name};
use serve_lite::Classifier;

use crate::arguments::find_run;

/// What to classify, and how to print it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: the newest that has an ONNX file]
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    run: Option<String>,
    #[command(flatten)]
    predict: serve_lite::PredictArgs,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let run = find_run(runs, args.run.as_deref(), Needs::Onnx)?;
    let classifier = Classifier::load(&run.onnx())?;
    let mut out = BufWriter::new(anstream::stdout().lock());
    let problems = &mut anstream::stderr();
    let files =
        serve_lite::classify_files(&classifier, &args.predict.options(), &mut out, problems)?;
    Ok(if files.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
