//! Classifies an image file, with the library alone:
//! `cargo run --release -p serve-lite --no-default-features --example classify -- model.onnx digit.png`.
#![allow(clippy::print_stdout)]
use serve_lite::{Classifier, Result, classify_file};
use std::path::Path;

/// The most probable class of an image, and its probability: `7 99.8 %`.
pub(crate) fn classify(model: &Path, image: &Path) -> Result<String> {
    let classifier = Classifier::load(model)?;
    let found = &classify_file(&classifier, image, None)?[0];
    let (label, probability) = (&classifier.classes[found.class], found.probabilities[found.class]);
    Ok(format!("{label} {:.1} %", 100.0 * probability))
}

fn main() -> Result<()> {
    let [model, image] = [1, 2].map(|i| std::env::args().nth(i).unwrap_or_default());
    println!("{}", classify(Path::new(&model), Path::new(&image))?);
    Ok(())
}
