//! `serve-lite predict`: which digits are in these files.

use std::io::{BufWriter, IsTerminal, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use picture::Preparation;
use serve_lite::{Classifier, Format, PredictOptions, Shades};

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
    /// PNG, JPEG, PGM or IDX files, also gzipped ones; - reads standard input
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How to make pictures fit for the network
    #[arg(long, value_enum, default_value_t = Prepare::Auto)]
    prepare: Prepare,
    /// One JSON object a line, with the probabilities of all classes
    #[arg(long)]
    json: bool,
    /// Draw the 28x28 pixels that the network saw
    #[arg(long, conflicts_with = "json")]
    show: bool,
    /// How many classes to name, the most probable first
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Prepare {
    /// 28x28 as it is, anything else as a digit
    Auto,
    /// Tell the ink from the paper, scale and centre it
    Digit,
    /// Leave 28x28 pixels untouched, refuse other sizes
    AsIs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { model, images, prepare, json, show, top } = args;
    let preparation = match prepare {
        Prepare::Auto => Preparation::Auto,
        Prepare::Digit => Preparation::Digit,
        Prepare::AsIs => Preparation::AsIs,
    };
    let format = Format { json, top: top.into(), show: show.then(shades) };
    let classifier = Classifier::load(&model)?;
    let options = PredictOptions { images, preparation, format };
    let mut out = BufWriter::new(anstream::stdout().lock());
    let outcome =
        serve_lite::predict_all(&classifier, &options, &mut out, &mut anstream::stderr())?;
    Ok(if outcome.n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What standard output can show.
fn shades() -> Shades {
    let colours = AutoStream::choice(&stdout()) != ColorChoice::Never;
    // The first of these that is set decides (POSIX, Base Definitions, section 8.2).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if stdout().is_terminal() && colours && (utf8 || cfg!(windows)) {
        Shades::HalfBlocks
    } else {
        Shades::Ascii
    }
}
