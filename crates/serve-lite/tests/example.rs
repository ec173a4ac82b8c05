//! The example in `examples/` classifies a PNG.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // Its `main` is not called.
#[path = "../examples/classify.rs"]
mod example;
mod models;

use models::{bytes, halves, sides};

#[test]
fn the_example_gives_the_label_of_a_png() {
    let folder = tempfile::tempdir().unwrap();
    let [model, image] = ["model.onnx", "right.png"].map(|name| folder.path().join(name));
    std::fs::write(&model, bytes(&sides())).unwrap();
    image::GrayImage::from_raw(28, 28, halves(0, 60)).unwrap().save(&image).unwrap();
    assert_eq!(example::classify(&model, &image).unwrap(), "right 99.1 %");
}
