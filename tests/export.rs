//! The exported file: its contract, its graph, and its answers in tract and in ONNX Runtime.

use std::path::Path;
use std::process::Command;

use burn::module::Module;
use burn::tensor::Device;
use images::ImageShape;
use model::{Network, NetworkConfig};
use run::{Architecture, Config, DatasetFacts, NetworkSettings, read_json, softmax};
use serve_lite::Classifier;
use train::Checkpoint;

use crate::support::{answers, finished, fresh_runs, kiln, python, succeed};

/// The tolerance of `cargo xtask verify`.
const TOLERANCE: f64 = 1e-5;
const DIGIT: ImageShape = ImageShape::DIGIT;

fn article(n_classes: usize) -> NetworkConfig {
    NetworkConfig::article(n_classes, DIGIT, 33.3, 78.6)
}

fn network(config: &NetworkConfig, seed: u64) -> Network {
    Network::new(config, seed, &Device::flex()).unwrap().valid()
}

/// Exports `network`, and compares Burn's probabilities with tract's.
fn assert_burn_and_tract_agree(network: &Network, seed: u64) {
    let n_classes = network.n_classes();
    let classes = (0..n_classes).map(|class| format!("class {class}")).collect();
    let onnx = export::to_onnx(network, &metadata(classes)).unwrap();
    let classifier = Classifier::from_bytes(&onnx, Path::new("exported")).unwrap();
    for batch in [1, 2, 7, 128] {
        let pixels = noise(network.shape(), batch, seed);
        let logits = train::logits(network, &pixels);
        let answers = classifier.classify(&pixels).unwrap();
        assert_eq!(answers.probabilities.len(), batch * n_classes);
        assert_close(&logits, &answers.probabilities, n_classes);
    }
}

#[track_caller]
fn assert_close(logits: &[f32], probabilities: &[f32], n_classes: usize) {
    let rows = logits.chunks_exact(n_classes).zip(probabilities.chunks_exact(n_classes));
    for (logits, probabilities) in rows {
        for (expected, &found) in softmax(logits).iter().zip(probabilities) {
            assert!((expected - f64::from(found)).abs() < TOLERANCE, "{expected} {found}");
        }
    }
}

#[test]
fn burn_and_tract_agree_on_any_grey_levels_and_any_classes() {
    for (n_classes, seed) in [(2, 1), (10, 2), (100, 3)] {
        assert_burn_and_tract_agree(&network(&article(n_classes), seed), seed);
    }
}

#[test]
fn burn_and_tract_agree_on_images_of_another_shape() {
    let shape = ImageShape { channels: 3, height: 22, width: 32 };
    let settings = NetworkSettings {
        architecture: Architecture::Vgg,
        depth: 5,
        width: 8,
        batch_norm: true,
        ..article(4).settings
    };
    assert_burn_and_tract_agree(&network(&NetworkConfig { shape, ..article(4) }, 4), 4);
    let vgg = NetworkConfig { shape, settings, ..article(4) };
    assert_burn_and_tract_agree(&network(&vgg, 5), 5);
}

#[test]
fn the_number_of_class_names_must_match() {
    let names = metadata(vec!["only".to_owned()]);
    let error = export::to_onnx(&network(&article(10), 1), &names).unwrap_err();
    assert!(matches!(error, export::Error::Classes { names: 1, logits: 10 }));
}

/// The ONNX checker's full check, the expected operators, and ONNX Runtime's own answers.
#[test]
fn onnx_checker_and_onnx_runtime_accept_the_file_and_agree() {
    let run = finished();
    let config = Config::read(&run.config()).unwrap();
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    let checkpoint = Checkpoint::selected(run, &config, &facts, &Device::flex()).unwrap();
    let batch = 7;
    let pixels = noise(DIGIT, batch, 5);

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/check_onnx.py");
    let answers = answers(Command::new(python()).arg(script).arg(run.onnx()), &pixels);
    assert_eq!(answers.len(), batch * facts.classes.len());
    assert_close(&train::logits(&checkpoint.network(), &pixels), &answers, facts.classes.len());
}

/// Triton's own message definition accepts the configuration, and the model is the run's.
#[test]
fn triton_can_read_the_model_repository() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    let repository = fresh_runs("repository");
    let args = ["export-onnx", "--layout", "triton", "--name", "digits", "--output"];
    succeed(kiln(runs).args(args).arg(&repository));
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
        preparation: None,
        doubtful_below: None,
        background: None,
        split: "none".to_owned(),
        epoch: 1,
        test_accuracy: None,
        config_sha256: "0".repeat(64),
        version: "test".to_owned(),
    }
}

/// Images of grey levels over the whole range, far from any digit: SplitMix64's output bytes.
pub(crate) fn noise(shape: ImageShape, n_images: usize, seed: u64) -> Vec<u8> {
    let next = |index: u64| {
        let mut z = (seed << 32 | index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 56) as u8
    };
    (0..(n_images * shape.size()) as u64).map(next).collect()
}
