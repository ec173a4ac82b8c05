//! `serve-lite bench`: throughput and latency of a model in this process.
//!
//! The throughput is the upper bound of a server on this crate with the same number of cores. Images are random noise,
//! which leaves as many zeros after a ReLU as real images.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serve_lite::Classifier;

/// Time of the calls before the measurement: they fill caches and let the CPU reach its clock rate.
const WARM_UP: Duration = Duration::from_millis(200);

/// Measure throughput and latency in this process
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The ONNX model
    model: PathBuf,
    /// Images in a call
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Threads that share a call
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// Run tract's own operators instead of kiln's kernels
    #[arg(long)]
    tract_ops: bool,
    /// Time to measure
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let batch = usize::from(args.batch);
    let start = Instant::now();
    let load = if args.tract_ops { Classifier::load_with_tract_ops } else { Classifier::load };
    let classifier = load(&args.model)?;
    let load = start.elapsed();
    let pixels = noise(batch * classifier.shape.size());
    let measure = |time: Duration| -> serve_lite::Result<Vec<Duration>> {
        let (start, mut latencies) = (Instant::now(), Vec::new());
        while start.elapsed() < time || latencies.is_empty() {
            let call = Instant::now();
            classifier.classify(&pixels)?;
            latencies.push(call.elapsed());
        }
        Ok(latencies)
    };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(args.threads.into()).build()?;
    let mut latencies = threads.install(|| {
        measure(WARM_UP)?;
        measure(Duration::from_secs_f64(args.seconds))
    })?;
    let total: Duration = latencies.iter().sum();
    latencies.sort_unstable();
    // The smallest latency that this fraction of the calls does not exceed ("nearest rank").
    let percentile = |fraction: f64| {
        let rank = (fraction * latencies.len() as f64).ceil() as usize;
        latencies[rank.clamp(1, latencies.len()) - 1].as_secs_f64() * 1e3
    };
    let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(percentile);
    let rate = (latencies.len() * batch) as f64 / total.as_secs_f64();
    let (calls, load) = (latencies.len(), load.as_secs_f64() * 1e3);
    let mut out = anstream::stdout().lock();
    if args.json {
        let result = serde_json::json!({
            "batch": batch, "threads": args.threads, "calls": calls, "images_per_second": rate, "load_ms": load,
            "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": max,
        });
        writeln!(out, "{result}")?;
    } else {
        writeln!(out, "load      {load:.1} ms")?;
        writeln!(out, "rate      {rate:.0} images/s, {calls} calls of {batch}")?;
        writeln!(
            out,
            "latency   p50 {p50:.3}  p90 {p90:.3}  p99 {p99:.3}  max {max:.3} ms a call"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn seconds(text: &str) -> Result<f64, String> {
    // An hour is long enough to see a machine slow down with heat.
    let seconds = text.parse::<f64>().ok().filter(|s| (0.001..=3600.0).contains(s));
    seconds.ok_or_else(|| "expected 0.001 to 3600 seconds".into())
}

/// Pseudo-random pixels, the same in every run (the upper bits of Knuth's MMIX generator).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}
