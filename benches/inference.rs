//! Inference of the same weights: Burn and tract, each as it comes and with kiln's kernels, on one thread and on two.
//!
//! All get raw bytes and give probabilities or logits on the host, through the very functions that `evaluate` and
//! `serve-lite` call. The network's weights are fresh from their initialiser; half of what ReLU gives is zero, as with
//! trained ones. Loading, optimising and the pictures are set up outside the timed part. Read `thrpt`, pictures a second:
//! within a group and at one batch the four rows compare, and a row's two groups show what a second thread brings. A fall
//! of any row against its own last run is a regression.

use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dataset::{Examples, LoadOptions};
use export::Metadata;
use model::{Network, NetworkConfig};
use rayon::ThreadPoolBuilder;
use serve_lite::Classifier;

const BATCHES: [usize; 3] = [1, 32, 256];
const THREADS: [usize; 2] = [1, 2];
const PIXELS: usize = model::INPUT_SIDE * model::INPUT_SIDE;

/// Classifies some pictures and drops the answer.
type System<'a> = dyn Fn(&[u8]) + Sync + 'a;

fn inference(criterion: &mut Criterion) {
    let cnn = |burn_ops| {
        let config = NetworkConfig { burn_ops, ..NetworkConfig::article(10, 33.3, 78.6) };
        Network::new(&config, 42, &Device::flex()).valid()
    };
    let (burn_kernels, burn) = (cnn(false), cnn(true));
    let folder = tempfile::tempdir().expect("there is room for a file");
    let onnx = folder.path().join("exported.onnx");
    let bytes = export::to_onnx(&burn_kernels, &metadata()).expect("the network exports");
    std::fs::write(&onnx, bytes).expect("there is room for a file");
    let tract_kernels = Classifier::load(&onnx).expect("what was exported loads");
    let tract = Classifier::load_with_tract_ops(&onnx).expect("what was exported loads");

    let by_burn =
        |network: &Network, pixels: &[u8]| drop(black_box(train::logits(network, pixels)));
    let by_tract = |classifier: &Classifier, pixels: &[u8]| {
        drop(black_box(classifier.classify(pixels).expect("the pictures fit the contract")));
    };
    let systems: [(&str, &System); 4] = [
        ("burn", &|pixels| by_burn(&burn, pixels)),
        ("burn+kernels", &|pixels| by_burn(&burn_kernels, pixels)),
        ("tract", &|pixels| by_tract(&tract, pixels)),
        ("tract+kernels", &|pixels| by_tract(&tract_kernels, pixels)),
    ];
    let digits = synthetic_digits();
    for threads in THREADS {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("a pool of two threads starts");
        let mut group = criterion.benchmark_group(format!("inference, threads {threads}"));
        for batch in BATCHES {
            let pixels = &digits.pixels[..batch * PIXELS];
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

fn metadata() -> Metadata {
    Metadata {
        classes: (0..10).map(|digit| digit.to_string()).collect(),
        dataset: "synthetic digits".to_owned(),
        dataset_sha256: String::new(),
        synthetic: true,
        split: String::new(),
        epoch: 0,
        test_accuracy: None,
        config_sha256: String::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn synthetic_digits() -> Examples {
    let settings =
        run::DataSettings { data: "synthetic".to_owned(), ..run::Config::default().data };
    let options = LoadOptions { cache: "unused".into(), kiln_data: None, offline: true };
    dataset::load(&settings, &options, &mut |_| {})
        .expect("drawing digits needs nothing")
        .test
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = inference
}
criterion_main!(benches);
