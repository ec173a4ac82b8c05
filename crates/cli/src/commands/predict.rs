//! `predict`: classify image files with a run's ONNX file.

use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use run::RunDirectory;
use serve_lite::Classifier;

/// What to classify, and how to print it.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    #[command(flatten)]
    predict: serve_lite::PredictArgs,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let classifier = Classifier::load(&run.onnx())?;
    let mut out = BufWriter::new(anstream::stdout().lock());
    let problems = &mut anstream::stderr();
    let files =
        serve_lite::classify_files(&classifier, &args.predict.options(), &mut out, problems)?;
    Ok(if files.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
