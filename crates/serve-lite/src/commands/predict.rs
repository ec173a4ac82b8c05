//! `serve-lite predict`: classifies image files.

use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;

use serve_lite::{Classifier, PredictArgs};

const EXAMPLES: &str = "\
Examples:
  serve-lite predict model.onnx 3.png photo.jpg
  serve-lite predict --top 3 --show model.onnx 3.png
  serve-lite predict --json model.onnx *.png | jq -r '[.file, .label] | @tsv'
  serve-lite predict model.onnx t10k-images-idx3-ubyte.gz
  curl -s https://example.com/3.png | serve-lite predict model.onnx -

A model of digits takes images of 28x28 pixels unchanged. It prepares any other image like its training
digits: the ink, bright or dark, is separated from the paper, scaled and centred. --show draws the
result. A model of another shape takes images of exactly that shape.";

/// Classify image files
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The ONNX model
    model: PathBuf,
    #[command(flatten)]
    predict: PredictArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let classifier = Classifier::load(&args.model)?;
    let mut out = BufWriter::new(anstream::stdout().lock());
    let problems = &mut anstream::stderr();
    let files =
        serve_lite::classify_files(&classifier, &args.predict.options(), &mut out, problems)?;
    Ok(if files.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
