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
  serve-lite predict model.onnx photos --csv answers.csv
  curl -s https://example.com/3.png | serve-lite predict model.onnx -

The model says how images become its input. A model of digits finds the digit on its paper, scales it
and centres it as in MNIST; any other scales the image. --show draws the result. An answer that is not to
be relied on is called doubtful.";

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
