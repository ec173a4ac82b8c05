//! The exported file: its contract, its graph, and its answers in tract and in ONNX Runtime.

use std::path::Path;
use std::process::Command;

use burn::module::Module;
use burn::tensor::Device;
use model::{Network, NetworkConfig};
use run::{Config, DatasetFacts, read_json};
use serve_lite::Classifier;
use train::Checkpoint;

use crate::support::{answers, finished, fresh_runs, python, succeed, xtask};

/// As `cargo xtask verify` has it.
const TOLERANCE: f64 = 1e-5;
const N_PIXELS: usize = 784;

#[test]
fn burn_and_tract_agree_on_any_grey_levels_and_any_classes() {
    for (n_classes, seed) in [(2, 1), (10, 2), (100, 3)] {
        let config = NetworkConfig::article(n_classes, 33.3, 78.6);
        let cnn = Network::new(&config, seed, &Device::flex()).valid();
        let classes = (0..n_classes).map(|class| format!("class {class}")).collect();
        let onnx = export::to_onnx(&cnn, &metadata(classes)).unwrap();
        let classifier = Classifier::from_bytes(&onnx, Path::new("exported")).unwrap();
        for batch in [1, 2, 7, 128] {
            let pixels = noise(batch, seed);
            let logits = train::logits(&cnn, &pixels);
            let answers = classifier.classify(&pixels).unwrap();
            let rows =
                logits.chunks_exact(n_classes).zip(answers.probabilities.chunks_exact(n_classes));
            for (logits, probabilities) in rows {
                for (expected, &got) in train::softmax(logits).iter().zip(probabilities) {
                    assert!((expected - f64::from(got)).abs() < TOLERANCE, "{expected} {got}");
                }
            }
        }
    }
}

#[test]
fn the_number_of_class_names_must_fit() {
    let cnn = Network::new(&NetworkConfig::article(10, 0.0, 1.0), 1, &Device::flex());
    let error = export::to_onnx(&cnn.valid(), &metadata(vec!["only".to_owned()])).unwrap_err();
    assert!(matches!(error, export::Error::Classes { names: 1, logits: 10 }));
}

/// The ONNX checker's full check, the graph as a person would have drawn it, and ONNX Runtime's own answers.
#[test]
fn onnx_checker_and_onnx_runtime_accept_the_file_and_agree() {
    let run = finished();
    let config = Config::read(&run.config()).unwrap();
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    let network = NetworkConfig::new(&config, facts.classes.len(), facts.mean, facts.std);
    let cnn = Checkpoint::selected(run, config.checkpoint, &network).unwrap().network();
    let batch = 7;
    let pixels = noise(batch, 5);

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/check_onnx.py");
    let answers = answers(Command::new(python()).arg(script).arg(run.onnx()), &pixels);
    assert_eq!(answers.len(), batch * facts.classes.len());
    let logits = train::logits(&cnn, &pixels);
    for (logits, probabilities) in logits.chunks_exact(10).zip(answers.chunks_exact(10)) {
        for (expected, &got) in train::softmax(logits).iter().zip(probabilities) {
            assert!((expected - f64::from(got)).abs() < TOLERANCE, "{expected} {got}");
        }
    }
}

/// What Triton reads, in Triton's own message; and the model in it is the run's.
#[test]
fn a_model_repository_is_one_that_triton_reads() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    let repository = fresh_runs("repository");
    let args = ["export-onnx", "--layout", "triton", "--name", "digits", "--output"];
    succeed(xtask(runs).args(args).arg(&repository));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/check_triton_layout.py");
    succeed(Command::new(python()).arg(script).arg(&repository).arg("digits"));
    let exported = std::fs::read(repository.join("digits/1/model.onnx")).unwrap();
    assert!(exported == std::fs::read(run.onnx()).unwrap());
}

fn metadata(classes: Vec<String>) -> export::Metadata {
    export::Metadata {
        classes,
        dataset: "noise".to_owned(),
        dataset_sha256: "0".repeat(64),
        synthetic: true,
        split: "none".to_owned(),
        epoch: 1,
        test_accuracy: None,
        config_sha256: "0".repeat(64),
        version: "test".to_owned(),
    }
}

/// Grey levels over the whole range, far from any digit: SplitMix64's output bytes.
pub(crate) fn noise(n_images: usize, seed: u64) -> Vec<u8> {
    let next = |index: u64| {
        let mut z = (seed << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 56) as u8
    };
    (0..(n_images * N_PIXELS) as u64).map(next).collect()
}
