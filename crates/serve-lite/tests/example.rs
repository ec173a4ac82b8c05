//! The example in `examples/` classifies a PNG with a model of its own.
#![allow(clippy::unwrap_used)]

mod models;

use std::path::Path;
use std::process::Command;

use models::{bytes, halves, sides};

#[test]
fn the_example_prints_the_label_of_a_png() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.onnx"), bytes(&sides())).unwrap();
    let image = image::GrayImage::from_raw(28, 28, halves(0, 60)).unwrap();
    image.save(folder.path().join("right.png")).unwrap();
    // cargo builds examples with the tests, beside the program.
    let example =
        Path::new(env!("CARGO_BIN_EXE_serve-lite")).with_file_name("examples").join("classify");
    let mut command = Command::new(&example);
    let output = command.current_dir(folder.path()).args(["model.onnx", "right.png"]).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", example.display()));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "right 99.1 %\n", "{output:?}");
}
