//! Classifies an image file: `cargo run --release -p serve-lite --example classify -- model.onnx digit.png`.
#![allow(clippy::print_stdout)]

use std::{env::args, path::Path};

use serve_lite::{Classifier, Preparation, classify_file};

fn main() -> serve_lite::Result<()> {
    let (Some(model), Some(image)) = (args().nth(1), args().nth(2)) else {
        println!("usage: classify MODEL IMAGE");
        return Ok(());
    };
    let classifier = Classifier::load(Path::new(&model))?;
    for result in classify_file(&classifier, Path::new(&image), Preparation::Auto)? {
        let (class, probability) = (result.class, result.probabilities[result.class]);
        println!("{} {:.1} %", classifier.classes[class], 100.0 * probability);
    }
    Ok(())
}
