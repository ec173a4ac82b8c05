//! A model's input shape comes from its file: in the library, on the command line and over HTTP.
#![allow(clippy::unwrap_used)]

mod models;

use std::path::Path;
use std::process::Command;

use axum::http::Request;
use bytes::Bytes;
use clap::Parser;
use models::{bytes, sides_of};
use serve_lite::{Classifier, Error, ImageError, Preparation, Service, classify_file};

const SHAPE: [usize; 3] = [1, 20, 32];
const SIZE: usize = 20 * 32;

/// An image whose left half, or whose right half, has 60 full pixels.
fn image(left: bool) -> Vec<u8> {
    let mut pixels = vec![0; SIZE];
    for i in 0..60 {
        pixels[i / 16 * 32 + i % 16 + if left { 0 } else { 16 }] = 255;
    }
    pixels
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_library_takes_images_of_the_model_s_shape() {
    for shape in [SHAPE, [3, 8, 6]] {
        let model = bytes(&sides_of(shape));
        let classifier = Classifier::from_bytes(&model, Path::new("model")).unwrap();
        assert_eq!(classifier.shape.dimensions(), shape);
        let size = classifier.shape.size();
        let mut pixels = vec![0; 3 * size];
        // The first pixel of an image is on the left, the last on the right; an empty image is blank.
        for (i, pixel) in [(0, 0), (1, size - 1)] {
            pixels[i * size + pixel] = 255;
        }
        let outputs = classifier.classify(&pixels).unwrap();
        let logits: Vec<_> = outputs.logits.iter().map(|logit| (10.0 * logit).round()).collect();
        assert_eq!(logits, [1.0, 0.0, 10.0, 0.0, 1.0, 10.0, 0.0, 0.0, 10.0], "{shape:?}");
        let error = classifier.classify(&pixels[1..]).unwrap_err();
        assert!(matches!(error, Error::Pixels { image, .. } if image == size), "{error}");
    }
}

#[test]
fn image_files_are_stretched_to_the_model_s_shape() {
    let folder = tempfile::tempdir().unwrap();
    let classifier = Classifier::from_bytes(&bytes(&sides_of(SHAPE)), Path::new("model")).unwrap();
    let pgm = |header: &[u8], pixels: &[u8]| [b"P5 ", header, b" 255\n", pixels].concat();
    let fits = write(folder.path(), "fits.pgm", &pgm(b"32 20", &image(false)));
    let found = classify_file(&classifier, &fits, None).unwrap();
    assert_eq!((found[0].class, found[0].shape), (1, classifier.shape));
    assert_eq!(found[0].pixels, image(false));

    let digit = write(folder.path(), "digit.pgm", &pgm(b"28 28", &models::halves(60, 0)));
    let found = classify_file(&classifier, &digit, None).unwrap();
    assert_eq!((found[0].class, found[0].pixels.len()), (0, SIZE));
    let error = classify_file(&classifier, &digit, Some(Preparation::Digit)).unwrap_err();
    assert!(matches!(error, Error::Image { source: ImageError::Shape { .. }, .. }), "{error}");
}

#[test]
fn the_commands_take_the_shape_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "model.onnx", &bytes(&sides_of(SHAPE)));
    write(folder.path(), "left.pgm", &[b"P5 32 20 255\n", &image(true)[..]].concat());
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_serve-lite"));
        let output = command.current_dir(folder.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run(&["info", "model.onnx"]).contains("uint8    [batch, 1, 20, 32]"));
    let drawn = run(&["predict", "--show", "model.onnx", "left.pgm"]);
    assert!(drawn.starts_with("left.pgm  left "), "{drawn}");
    assert_eq!(drawn.lines().count(), 1 + 10);
    assert!(drawn.lines().skip(1).all(|line| line.len() == 32), "{drawn}");
    run(&["bench", "model.onnx", "--seconds", "0.01", "--batch", "3"]);
}

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    serve: serve_lite::ServeOptions,
}

#[tokio::test]
async fn the_server_takes_the_shape_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let model = write(folder.path(), "model.onnx", &bytes(&sides_of(SHAPE)));
    let service = Service::open(&model, &Options::parse_from(["serve"]).serve).unwrap();
    let ask = async |path: &str, length: Option<usize>, body: Vec<u8>| {
        let mut request = Request::builder().uri(path);
        request = request.method(if body.is_empty() { "GET" } else { "POST" });
        if let Some(length) = length {
            request = request.header("Inference-Header-Content-Length", length);
        }
        let (status, body) = service.answer(request.body(Bytes::from(body)).unwrap()).await;
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    const MODEL: &str = "/v2/models/mnist";
    let metadata = ask(MODEL, None, vec![]).await.1;
    assert!(metadata.contains("[-1,1,20,32]"), "{metadata}");
    let config = ask(&format!("{MODEL}/config"), None, vec![]).await.1;
    assert!(config.contains("\"dims\":[1,20,32]"), "{config}");

    let infer = format!("{MODEL}/infer");
    let input = r#"{"name":"pixels","datatype":"UINT8","shape":[1,1,20,32]"#;
    let flat = format!("{{\"inputs\":[{input},\"data\":{:?}}}]}}", image(true));
    let (status, body) = ask(&infer, None, flat.into_bytes()).await;
    assert_eq!(status, 200, "{body}");
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    let logit = json["outputs"][0]["data"][0].as_f64().unwrap();
    assert!((logit - 6.0).abs() < 1e-5, "{body}");
    assert_eq!(ask(&infer, Some(0), image(true)).await.0, 200, "the raw form");
    let (status, body) = ask(&infer, Some(0), vec![0; 784]).await;
    assert_eq!((status, body.contains("640 bytes")), (400, true), "{body}");

    let file = [b"P5 32 20 255\n", &image(false)[..]].concat();
    let (status, body) = ask("/v1/predict", None, file).await;
    assert_eq!((status, body.contains("\"label\":\"right\"")), (200, true), "{body}");
    let file = [b"P5 28 28 255\n", &models::halves(60, 0)[..]].concat();
    let (status, body) = ask("/v1/predict", None, file).await;
    assert_eq!((status, body.contains("\"label\":\"left\"")), (200, true), "{body}");
}
