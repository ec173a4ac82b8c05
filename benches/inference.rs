//! Throughput of inference with the same weights: Burn and tract, each with its own operations and with kiln's kernels.
//!
//! `cargo bench`. All take raw bytes and return probabilities or logits, by the functions that `evaluate` and
//! `serve-lite` call. The weights are the initial ones; about half of the outputs of ReLU are zero, as with trained
//! weights. Loading, optimising and drawing the images are not timed. Compare `thrpt`, images per second, of the four
//! systems at one batch size and one number of threads. A row that is slower than in its last run is a regression.

use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dataset::{Dataset, LoadOptions};
use export::Metadata;
use model::{Network, NetworkConfig};
use rayon::ThreadPoolBuilder;
use serve_lite::Classifier;

const BATCHES: [usize; 3] = [1, 32, 256];
const THREADS: [usize; 2] = [1, 2];

/// Classifies images and drops the result.
type System<'a> = dyn Fn(&[u8]) + Sync + 'a;

fn inference(criterion: &mut Criterion) {
    let digits = synthetic_digits();
    let network = |burn_ops| {
        let article = NetworkConfig::article(digits.classes.len(), digits.shape, 33.3, 78.6);
        let network = Network::new(&NetworkConfig { burn_ops, ..article }, 42, &Device::flex());
        network.expect("the article's network takes digits").valid()
    };
    let (burn_kernels, burn) = (network(false), network(true));
    let folder = tempfile::tempdir().expect("the disk has room for a file");
    let onnx = folder.path().join("exported.onnx");
    let bytes = export::to_onnx(&burn_kernels, &metadata(&digits)).expect("the network exports");
    std::fs::write(&onnx, bytes).expect("the disk has room for a file");
    let tract_kernels = Classifier::load(&onnx).expect("an exported network loads");
    let tract = Classifier::load_with_tract_ops(&onnx).expect("an exported network loads");

    let by_burn =
        |network: &Network, pixels: &[u8]| drop(black_box(train::logits(network, pixels)));
    let by_tract = |classifier: &Classifier, pixels: &[u8]| {
        drop(black_box(classifier.classify(pixels).expect("the images have the model's shape")));
    };
    let systems: [(&str, &System); 4] = [
        ("burn", &|pixels| by_burn(&burn, pixels)),
        ("burn+kernels", &|pixels| by_burn(&burn_kernels, pixels)),
        ("tract", &|pixels| by_tract(&tract, pixels)),
        ("tract+kernels", &|pixels| by_tract(&tract_kernels, pixels)),
    ];
    for threads in THREADS {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("a pool of two threads starts");
        let mut group = criterion.benchmark_group(format!("inference, threads {threads}"));
        for batch in BATCHES {
            let pixels = &digits.test.pixels[..batch * digits.shape.size()];
            group.throughput(Throughput::Elements(batch as u64));
            for (name, system) in systems {
                group.bench_function(BenchmarkId::new(name, batch), |bencher| {
                    bencher.iter_custom(|n| {
                        pool.install(|| {
                            let start = Instant::now();
                            (0..n).for_each(|_| system(pixels));
                            start.elapsed()
                        })
                    });
                });
            }
        }
        group.finish();
    }
}

fn metadata(digits: &Dataset) -> Metadata {
    Metadata {
        classes: digits.classes.clone(),
        dataset: digits.name.clone(),
        dataset_sha256: String::new(),
        synthetic: true,
        preparation: None,
        doubtful_below: None,
        background: None,
        split: String::new(),
        epoch: 0,
        test_accuracy: None,
        config_sha256: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn synthetic_digits() -> Dataset {
    let mut settings = run::Config::default().data;
    settings.data = "synthetic".to_owned();
    let options = LoadOptions { cache: "unused".into(), kiln_data: None, offline: true };
    dataset::load(&settings, &options, &mut |_| ()).expect("drawing digits needs no files")
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = inference
}
criterion_main!(benches);
