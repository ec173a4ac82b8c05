//! The way back: burn-import reads the exported file, and what it generates computes the same.

use std::io::Write;
use std::process::{Command, Stdio};

use run::RunDirectory;
use serve_lite::Classifier;

use crate::export::noise;
use crate::support::{binary, finished};

#[test]
fn code_that_burn_import_generates_from_the_file_gives_the_same_probabilities() {
    let run: &RunDirectory = finished();
    let built = Command::new(env!("CARGO"))
        // Together with xtask, so that both are resolved to the same features and Burn is not compiled again.
        .args([
            "build",
            "--release",
            "--quiet",
            "--package",
            "xtask",
            "--package",
            "reimport",
            "--bin",
            "reimport",
        ])
        .env("KILN_REIMPORT_ONNX", run.onnx().canonicalize().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    let pixels = noise(5, 9);
    let mut child = Command::new(binary("reimport"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&pixels).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let reimported: Vec<f32> =
        output.stdout.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let served = Classifier::load(&run.onnx()).unwrap().classify(&pixels).unwrap();
    assert_eq!(reimported.len(), served.probabilities.len());
    for (reimported, served) in reimported.iter().zip(&served.probabilities) {
        assert!((reimported - served).abs() < 1e-5, "{reimported} {served}");
    }
}
