//! `serve-lite predict`: which digits are in these files.

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

A picture of 28x28 pixels is taken as it is; any other is made one: the ink, bright or dark, is told
from the paper, scaled and centred as the training digits were. --show draws the result.";

/// Say which digit each picture shows
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
    let outcome =
        serve_lite::predict_all(&classifier, &args.predict.options(), &mut out, problems)?;
    Ok(if outcome.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
