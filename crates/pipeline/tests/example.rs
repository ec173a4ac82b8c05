//! The example does what it says.

#![allow(missing_docs, clippy::unwrap_used)]

use run::{Agreement, RunDirectory, read_json};

#[test]
fn the_example_trains_exports_and_verifies() {
    let runs = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let example = test.parent().unwrap().parent().unwrap().join("examples/train_and_export");
    let output = std::process::Command::new(example).arg(runs.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let run = RunDirectory::open(runs.path(), None).unwrap();
    assert!(text.contains("model.onnx") && run.onnx().exists(), "{text}");
    assert!(read_json::<Agreement>(&run.agreement()).unwrap().holds());
}
