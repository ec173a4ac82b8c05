//! `cargo xtask predict`: what a run says of a picture.

use std::path::Path;
use std::process::ExitCode;

use run::RunDirectory;

use crate::cli::PredictArgs;

pub(crate) fn run(runs: &Path, args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let classifier = serve_lite::Classifier::load(&run.onnx())?;
    let options = serve_lite::PredictOptions {
        images: args.images.clone(),
        preparation: picture::Preparation::Auto,
        format: serve_lite::Format { json: args.json, top: 2, show: args.show.then_some(serve_lite::Shades::Ascii) },
    };
    let outcome = serve_lite::predict_all(&classifier, &options, &mut anstream::stdout(), &mut anstream::stderr())?;
    Ok(if outcome.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
