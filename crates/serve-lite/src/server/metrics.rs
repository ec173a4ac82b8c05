//! What the server counts and times: names that begin with `serve_lite` and keep to Prometheus's
//! naming (<https://prometheus.io/docs/practices/naming>), and beside them [`Triton`]'s.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

use super::triton::{ModelCounters, Triton};

/// Seconds, from a request that an idle server answers to one that was given up.
const SECONDS: [f64; 15] =
    [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Pictures computed in one go.
const PICTURES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// Everything that is counted, of all models.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    queue_seconds: Histogram,
    compute_seconds: Histogram,
    batch_pictures: Histogram,
    pictures: IntCounter,
    executions: IntCounter,
    pub(crate) dropped_canceled: IntCounter,
    pub(crate) dropped_expired: IntCounter,
    pub(crate) pending: IntGauge,
    pub(crate) queued_pictures: IntGauge,
    pub(crate) connections: IntGauge,
    pub(crate) refused_connections: IntCounter,
    pub(crate) nonfinite_outputs: IntCounter,
    loads: IntCounterVec,
    version: IntGauge,
    triton: Triton,
}

impl Metrics {
    /// All at zero; the error says which name is wrong or used twice.
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
            "From the headers of a request to its answer, whatever that is",
        );
        let request_seconds =
            HistogramVec::new(request_seconds.buckets(SECONDS.to_vec()), &["route"])?;
        registry.register(Box::new(request_seconds.clone()))?;
        let dropped = counters(
            "serve_lite_dropped_pictures_total",
            "Pictures that were not computed as nobody waited for them any more",
            &["reason"],
        )?;
        let loads = counters(
            "serve_lite_model_loads_total",
            "Times that the model was read",
            &["outcome"],
        )?;
        // At zero from the start, so that an alarm sees the first failure.
        loads.with_label_values(&["failure"]);
        Ok(Self {
            requests: counters(
                "serve_lite_requests_total",
                "Requests for answers, by the status that they got",
                &["route", "code"],
            )?,
            request_seconds,
            queue_seconds: histogram(
                "queue_duration_seconds",
                "From a request's last byte to its computation",
                &SECONDS,
            )?,
            compute_seconds: histogram("compute_duration_seconds", "Of a batch", &SECONDS)?,
            batch_pictures: histogram("batch_pictures", "Pictures of a batch", &PICTURES)?,
            pictures: counter("pictures_total", "Pictures computed")?,
            executions: counter("executions_total", "Batches computed")?,
            dropped_canceled: dropped.with_label_values(&["canceled"]),
            dropped_expired: dropped.with_label_values(&["expired"]),
            pending: gauge("pending_requests", "Requests that wait for an answer")?,
            queued_pictures: gauge("queued_pictures", "Pictures that wait to be computed")?,
            connections: gauge("connections", "Open connections")?,
            refused_connections: counter(
                "refused_connections_total",
                "Connections beyond the most there may be",
            )?,
            nonfinite_outputs: counter(
                "nonfinite_outputs_total",
                "Requests whose outputs were not finite and could not be written as JSON",
            )?,
            loads,
            version: gauge("model_version", "The version that is served")?,
            triton: Triton::new(&registry, model)?,
            registry,
        })
    }

    /// Counts a model that is served from now on, and gives Triton's counters of it.
    pub(crate) fn loaded(&self, version: u64) -> Arc<ModelCounters> {
        self.loads.with_label_values(&["success"]).inc();
        self.version.set(version as i64);
        self.triton.loaded(version)
    }

    /// Counts a model file that was refused.
    pub(crate) fn load_failed(&self) {
        self.loads.with_label_values(&["failure"]).inc();
    }

    /// Counts a request that ended after `time` with `code`.
    pub(crate) fn ended(&self, route: &str, code: &str, time: Duration) {
        self.pending.dec();
        self.requests.with_label_values(&[route, code]).inc();
        self.request_seconds.with_label_values(&[route]).observe(time.as_secs_f64());
    }

    /// Counts the time that a request's pictures waited.
    pub(crate) fn queued_for(&self, model: &ModelCounters, time: Duration) {
        self.queue_seconds.observe(time.as_secs_f64());
        model.queue_us.inc_by(time.as_micros() as u64);
    }

    /// Counts a batch: `input` is the time to put it together, `infer` that in the model.
    pub(crate) fn computed(
        &self,
        model: &ModelCounters,
        n_pictures: usize,
        input: Duration,
        infer: Duration,
    ) {
        self.compute_seconds.observe(infer.as_secs_f64());
        self.batch_pictures.observe(n_pictures as f64);
        self.pictures.inc_by(n_pictures as u64);
        self.executions.inc();
        model.pictures.inc_by(n_pictures as u64);
        model.executions.inc();
        model.input_us.inc_by(input.as_micros() as u64);
        model.infer_us.inc_by(infer.as_micros() as u64);
    }

    /// Counts the time that it took to hand out a batch's answers.
    pub(crate) fn replied(&self, model: &ModelCounters, time: Duration) {
        model.output_us.inc_by(time.as_micros() as u64);
    }

    /// Everything, in Prometheus's text format.
    pub(crate) fn text(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}
