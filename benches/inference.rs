//! Inference of the same weights in Burn and in tract: images a second at batch 1, 32 and 256.
//!
//! Both get raw bytes and give probabilities or logits on the host, through the very functions that `evaluate` and
//! `serve-lite` call. The network's weights are fresh from their initialiser: trained ones cost the same. Loading,
//! optimising and the pictures are set up outside the timed part. Read `thrpt`: higher is better, and at one batch size
//! the two rows compare. A fall of either row against its own last run is a regression.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dataset::{Examples, LoadOptions, Source};
use export::Metadata;
use model::{Cnn, CnnConfig};
use serve_lite::Classifier;

const BATCHES: [usize; 3] = [1, 32, 256];
const PIXELS: usize = model::INPUT_SIDE * model::INPUT_SIDE;

fn inference(criterion: &mut Criterion) {
    let config = CnnConfig { n_classes: 10, mean: 33.3, std: 78.6, burn_ops: false };
    let cnn = Cnn::new(&config, 42, &Device::flex()).valid();
    let metadata = Metadata {
        classes: (0..10).map(|digit| digit.to_string()).collect(),
        dataset: "synthetic digits".to_owned(),
        dataset_sha256: String::new(),
        synthetic: true,
        split: String::new(),
        epoch: 0,
        test_accuracy: None,
        config_sha256: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let onnx = export::to_onnx(&cnn, &metadata).expect("the network exports");
    let classifier =
        Classifier::from_bytes(&onnx, Path::new("exported")).expect("what was exported loads");
    let digits = synthetic_digits();

    let mut group = criterion.benchmark_group("inference");
    for batch in BATCHES {
        let pixels = &digits.pixels[..batch * PIXELS];
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_with_input(BenchmarkId::new("burn", batch), pixels, |bencher, pixels| {
            bencher.iter(|| train::logits(&cnn, pixels));
        });
        group.bench_with_input(BenchmarkId::new("tract", batch), pixels, |bencher, pixels| {
            bencher.iter(|| classifier.classify(pixels).expect("the pictures fit the contract"));
        });
    }
    group.finish();
}

fn synthetic_digits() -> Examples {
    let options =
        LoadOptions { cache: "unused".into(), kiln_data: None, synthetic_seed: 42, offline: true };
    dataset::load(&Source::Synthetic, &options, &mut |_| {})
        .expect("drawing digits needs nothing")
        .test
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = inference
}
criterion_main!(benches);
