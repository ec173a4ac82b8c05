//! What the server counts and times, in Prometheus's names and in Triton's.
//!
//! `serve_lite_*` keep to Prometheus's naming (<https://prometheus.io/docs/practices/naming>).
//! `nv_inference_*` are Triton's (`docs/user_guide/metrics.md` of triton-inference-server/server),
//! for dashboards that know those; they do not keep to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Seconds, from a request that an idle server answers to one that was given up.
const SECONDS: [f64; 15] =
    [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Pictures computed in one go.
const PICTURES: [f64; 6] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];

/// Which of the two ways to an answer a request took.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    Infer,
    Predict,
}

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
    pending: IntGauge,
    pub(crate) queued_pictures: IntGauge,
    pub(crate) connections: IntGauge,
    pub(crate) refused_connections: IntCounter,
    pub(crate) nonfinite_outputs: IntCounter,
    loads: IntCounterVec,
    version: IntGauge,
    triton: [IntCounterVec; 8],
    triton_failure: IntCounterVec,
    triton_pending: IntGaugeVec,
    model: String,
}

/// Triton's counters of one version of the model.
pub(crate) struct ModelCounters {
    success: IntCounter,
    failure: [IntCounter; 4],
    pictures: IntCounter,
    executions: IntCounter,
    request_us: IntCounter,
    queue_us: IntCounter,
    input_us: IntCounter,
    infer_us: IntCounter,
    output_us: IntCounter,
    pending: IntGauge,
}

/// The figures of Triton's statistics extension; durations in microseconds.
pub(crate) struct Statistics {
    pub(crate) success: u64,
    pub(crate) failure: u64,
    pub(crate) pictures: u64,
    pub(crate) executions: u64,
    pub(crate) request_us: u64,
    pub(crate) queue_us: u64,
    pub(crate) input_us: u64,
    pub(crate) infer_us: u64,
    pub(crate) output_us: u64,
}

const TRITON: [(&str, &str); 8] = [
    ("nv_inference_request_success", "Requests answered with 200"),
    ("nv_inference_count", "Pictures computed"),
    ("nv_inference_exec_count", "Batches computed"),
    ("nv_inference_request_duration_us", "Microseconds of all answered requests"),
    ("nv_inference_queue_duration_us", "Microseconds that requests waited"),
    ("nv_inference_compute_input_duration_us", "Microseconds to put batches together"),
    ("nv_inference_compute_infer_duration_us", "Microseconds in the model"),
    ("nv_inference_compute_output_duration_us", "Microseconds to hand out answers"),
];
const REASONS: [&str; 4] = ["REJECTED", "CANCELED", "BACKEND", "OTHER"];

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
        let triton_pending = Opts::new(
            "nv_inference_pending_request_count",
            "Requests of the model that wait for an answer",
        );
        let triton_pending = IntGaugeVec::new(triton_pending, &["model", "version"])?;
        registry.register(Box::new(triton_pending.clone()))?;
        let dropped = counters(
            "serve_lite_dropped_pictures_total",
            "Pictures that were not computed as nobody waited for them any more",
            &["reason"],
        )?;
        let triton = TRITON.map(|(name, help)| counters(name, help, &["model", "version"]));
        let [a, b, c, d, e, f, g, h] = triton;
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
            loads: counters(
                "serve_lite_model_loads_total",
                "Times that the model was read",
                &["outcome"],
            )?,
            version: gauge("model_version", "The version that is served")?,
            triton: [a?, b?, c?, d?, e?, f?, g?, h?],
            triton_failure: counters(
                "nv_inference_request_failure",
                "Requests answered otherwise or not at all",
                &["model", "version", "reason"],
            )?,
            triton_pending,
            model: model.to_owned(),
            registry,
        })
    }

    /// Triton's counters for a version, which from now on is the one that is served; those of
    /// versions before the last are forgotten, so that reloads do not add series for ever.
    pub(crate) fn loaded(&self, version: u64) -> Arc<ModelCounters> {
        self.loads.with_label_values(&["success"]).inc();
        self.version.set(version as i64);
        let forgotten = version.saturating_sub(2).to_string();
        let labels = [self.model.as_str(), &forgotten];
        for counters in &self.triton {
            let _ = counters.remove_label_values(&labels);
        }
        let _ = self.triton_pending.remove_label_values(&labels);
        for reason in REASONS {
            let labels = [self.model.as_str(), &forgotten, reason];
            let _ = self.triton_failure.remove_label_values(&labels);
        }
        let version = version.to_string();
        let labels = [self.model.as_str(), &version];
        let [success, pictures, executions, request, queue, input, infer, output] =
            self.triton.each_ref().map(|counters| counters.with_label_values(&labels));
        let failure = |reason| {
            self.triton_failure.with_label_values(&[self.model.as_str(), &version, reason])
        };
        Arc::new(ModelCounters {
            success,
            failure: REASONS.map(failure),
            pictures,
            executions,
            request_us: request,
            queue_us: queue,
            input_us: input,
            infer_us: infer,
            output_us: output,
            pending: self.triton_pending.with_label_values(&labels),
        })
    }

    /// Counts a model file that was refused.
    pub(crate) fn load_failed(&self) {
        self.loads.with_label_values(&["failure"]).inc();
    }

    /// Begins to count a request; see [`Recorder`].
    pub(crate) fn begin(&self, route: Route) -> Recorder<'_> {
        self.pending.inc();
        Recorder { metrics: self, route, start: Instant::now(), model: None, ended: false }
    }

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

impl ModelCounters {
    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            success: self.success.get(),
            failure: self.failure.iter().map(IntCounter::get).sum(),
            pictures: self.pictures.get(),
            executions: self.executions.get(),
            request_us: self.request_us.get(),
            queue_us: self.queue_us.get(),
            input_us: self.input_us.get(),
            infer_us: self.infer_us.get(),
            output_us: self.output_us.get(),
        }
    }
}

/// A request that is being answered. It is counted once, when it ends: with its status, or as
/// canceled if it is dropped before, which is what happens when its client goes away.
pub(crate) struct Recorder<'a> {
    metrics: &'a Metrics,
    route: Route,
    start: Instant,
    model: Option<Arc<ModelCounters>>,
    ended: bool,
}

impl Recorder<'_> {
    /// The request is for this model.
    pub(crate) fn of(&mut self, model: &Arc<ModelCounters>) {
        model.pending.inc();
        self.model = Some(Arc::clone(model));
    }

    /// The request is answered.
    pub(crate) fn end(mut self, status: StatusCode) {
        let reason = match status {
            StatusCode::OK => None,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Some(0),
            StatusCode::INTERNAL_SERVER_ERROR => Some(2),
            _ => Some(3),
        };
        self.count(status.as_str(), reason);
    }

    /// Counts under `code`; `reason` is an index into [`REASONS`].
    fn count(&mut self, code: &str, reason: Option<usize>) {
        self.ended = true;
        let route = match self.route {
            Route::Infer => "infer",
            Route::Predict => "predict",
        };
        let time = self.start.elapsed();
        self.metrics.pending.dec();
        self.metrics.requests.with_label_values(&[route, code]).inc();
        self.metrics.request_seconds.with_label_values(&[route]).observe(time.as_secs_f64());
        let Some(model) = &self.model else { return };
        model.pending.dec();
        match reason {
            Some(reason) => model.failure[reason].inc(),
            None => {
                model.success.inc();
                model.request_us.inc_by(time.as_micros() as u64);
            }
        }
    }
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.count("canceled", Some(1));
        }
    }
}
