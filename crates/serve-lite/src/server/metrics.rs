//! The server's metrics: names with the prefix `serve_lite` that follow Prometheus's conventions
//! (<https://prometheus.io/docs/practices/naming>), and [`Triton`]'s names.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

use super::triton::{ModelCounters, Triton};

/// Buckets in seconds, from the latency of an idle server to the default deadline.
const SECONDS: [f64; 15] =
    [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets for the images of a batch.
const IMAGES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// All metrics, for all versions of the model.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    queue_seconds: Histogram,
    compute_seconds: Histogram,
    batch_images: Histogram,
    images: IntCounter,
    executions: IntCounter,
    pub(crate) dropped_canceled: IntCounter,
    pub(crate) dropped_expired: IntCounter,
    pub(crate) pending: IntGauge,
    pub(crate) queued_images: IntGauge,
    pub(crate) connections: IntGauge,
    pub(crate) refused_connections: IntCounter,
    pub(crate) nonfinite_outputs: IntCounter,
    loads: IntCounterVec,
    version: IntGauge,
    triton: Triton,
}

impl Metrics {
    /// All metrics at zero; the error says which name is invalid or used twice.
    pub(crate) fn new(model: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(format!("serve_lite_{name}"), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("serve_lite_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let options = HistogramOpts::new(format!("serve_lite_{name}"), help);
            let histogram = Histogram::with_opts(options.buckets(buckets.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let request_seconds = HistogramOpts::new(
            "serve_lite_request_duration_seconds",
            "From the headers of a request to its answer, with any status",
        );
        let request_seconds =
            HistogramVec::new(request_seconds.buckets(SECONDS.to_vec()), &["route"])?;
        registry.register(Box::new(request_seconds.clone()))?;
        let dropped = counters(
            "serve_lite_dropped_pictures_total",
            "Images that were not computed because their deadline passed or their client disconnected",
            &["reason"],
        )?;
        let loads =
            counters("serve_lite_model_loads_total", "Attempts to load the model", &["outcome"])?;
        // Exported at zero from the start, so that an alert sees the first failure.
        loads.with_label_values(&["failure"]);
        Ok(Self {
            requests: counters(
                "serve_lite_requests_total",
                "Inference and predict requests, by status",
                &["route", "code"],
            )?,
            request_seconds,
            queue_seconds: histogram(
                "queue_duration_seconds",
                "From the end of a request to the start of its computation",
                &SECONDS,
            )?,
            compute_seconds: histogram(
                "compute_duration_seconds",
                "Computation of a batch",
                &SECONDS,
            )?,
            batch_images: histogram("batch_pictures", "Images of a batch", &IMAGES)?,
            images: counter("pictures_total", "Images computed")?,
            executions: counter("executions_total", "Batches computed")?,
            dropped_canceled: dropped.with_label_values(&["canceled"]),
            dropped_expired: dropped.with_label_values(&["expired"]),
            pending: gauge("pending_requests", "Requests that are being answered")?,
            queued_images: gauge("queued_pictures", "Images in the queue")?,
            connections: gauge("connections", "Open connections")?,
            refused_connections: counter(
                "refused_connections_total",
                "Connections refused because too many were open",
            )?,
            nonfinite_outputs: counter(
                "nonfinite_outputs_total",
                "Requests whose outputs were not finite, which JSON cannot express",
            )?,
            loads,
            version: gauge("model_version", "The current version of the model")?,
            triton: Triton::new(&registry, model)?,
            registry,
        })
    }

    /// Counts a model that is served from now on, and returns Triton's counters for it.
    pub(crate) fn loaded(&self, version: u64) -> Arc<ModelCounters> {
        self.loads.with_label_values(&["success"]).inc();
        self.version.set(version as i64);
        self.triton.loaded(version)
    }

    /// Counts a model file that was refused.
    pub(crate) fn load_failed(&self) {
        self.loads.with_label_values(&["failure"]).inc();
    }

    /// Counts a request that ended with `code` after `time`.
    pub(crate) fn ended(&self, route: &str, code: &str, time: Duration) {
        self.pending.dec();
        self.requests.with_label_values(&[route, code]).inc();
        self.request_seconds.with_label_values(&[route]).observe(time.as_secs_f64());
    }

    /// Counts the time that a job's images waited.
    pub(crate) fn queued_for(&self, model: &ModelCounters, time: Duration) {
        self.queue_seconds.observe(time.as_secs_f64());
        model.queue_us.inc_by(time.as_micros() as u64);
    }

    /// Counts a batch: `input` is the time to assemble it, `infer` the time in the model.
    pub(crate) fn computed(
        &self,
        model: &ModelCounters,
        n_images: usize,
        input: Duration,
        infer: Duration,
    ) {
        self.compute_seconds.observe(infer.as_secs_f64());
        self.batch_images.observe(n_images as f64);
        self.images.inc_by(n_images as u64);
        self.executions.inc();
        model.images.inc_by(n_images as u64);
        model.executions.inc();
        model.input_us.inc_by(input.as_micros() as u64);
        model.infer_us.inc_by(infer.as_micros() as u64);
    }

    /// Counts the time to send a batch's results.
    pub(crate) fn replied(&self, model: &ModelCounters, time: Duration) {
        model.output_us.inc_by(time.as_micros() as u64);
    }

    /// All metrics in Prometheus's text format.
    pub(crate) fn text(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
