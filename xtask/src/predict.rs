//! `cargo xtask predict`: what a run says of a picture.

use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use run::RunDirectory;
use serve_lite::Classifier;

use crate::cli::PredictArgs;

pub(crate) fn run(runs: &Path, args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let classifier = Classifier::load(&run.onnx())?;
    let mut out = BufWriter::new(anstream::stdout().lock());
    let problems = &mut anstream::stderr();
    let outcome =
        serve_lite::predict_all(&classifier, &args.predict.options(), &mut out, problems)?;
    Ok(if outcome.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
