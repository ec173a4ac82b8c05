//! `serve-lite info`: a model's inputs, outputs, classes, operators and metadata.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use serve_lite::{Classifier, printable};

/// The most characters to which keys of the metadata are padded, so that one long key does not move all values away.
const MAX_KEY_WIDTH: usize = 40;

/// Show a model's inputs, outputs, classes, operators and metadata
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The ONNX model
    model: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let classifier = Classifier::load(&args.model)?;
    let size = std::fs::metadata(&args.model)
        .with_context(|| format!("cannot read {}", args.model.display()))?
        .len();
    let [channels, height, width] = classifier.shape.dimensions();
    let n = classifier.classes.len();
    let mut out = anstream::stdout().lock();
    let name = printable(&args.model.to_string_lossy());
    writeln!(out, "model     {name}, {:.1} MB", size as f64 / 1e6)?;
    writeln!(out, "input     pixels         uint8    [batch, {channels}, {height}, {width}]")?;
    writeln!(out, "outputs   logits         float32  [batch, {n}]")?;
    writeln!(out, "          probabilities  float32  [batch, {n}]")?;
    writeln!(out, "classes   {}", classifier.classes.join(" "))?;
    let names = [("kernels", &classifier.by_kernels), ("tract", &classifier.by_tract)];
    for (title, names) in names.into_iter().filter(|(_, names)| !names.is_empty()) {
        writeln!(out, "{title:<8}  {}", names.join("; "))?;
    }
    let widths = classifier.properties.keys().map(|key| key.chars().count());
    let width = widths.max().unwrap_or(0).min(MAX_KEY_WIDTH);
    for (i, (key, value)) in classifier.properties.iter().enumerate() {
        let title = if i == 0 { "metadata" } else { "" };
        writeln!(out, "{title:<8}  {:<width$}  {}", printable(key), printable(value))?;
    }
    Ok(ExitCode::SUCCESS)
}
