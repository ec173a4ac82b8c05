//! The reverse: burn-import reads the exported file, and the code it generates gives the same answers.

use std::process::Command;

use images::ImageShape;
use run::RunDirectory;
use serve_lite::Classifier;

use crate::export::noise;
use crate::support::{answers, binary, cargo_build, finished};

#[test]
fn code_that_burn_import_generates_from_the_file_gives_the_same_probabilities() {
    let run: &RunDirectory = finished();
    let onnx = run.onnx().canonicalize().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    // Together with kiln, so that both are resolved to the same features and Burn is not compiled again; but only
    // this program is wanted.
    let wanted = ["--bin", "reimport"];
    cargo_build("xtask reimport", cargo.env("KILN_REIMPORT_ONNX", onnx), &wanted);
    let pixels = noise(ImageShape::DIGIT, 5, 9);
    let reimported = answers(&mut Command::new(binary("reimport")), &pixels);
    let served = Classifier::load(&run.onnx()).unwrap().classify(&pixels).unwrap();
    assert_eq!(reimported.len(), served.probabilities.len());
    for (reimported, served) in reimported.iter().zip(&served.probabilities) {
        assert!((reimported - served).abs() < 1e-5, "{reimported} {served}");
    }
}
