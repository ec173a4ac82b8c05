//! Triton's counters (`docs/user_guide/metrics.md` of triton-inference-server/server) for each version of the model:
//! for dashboards and clients that use these names.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Triton's counters for one version of the model.
pub(crate) struct ModelCounters {
    success: IntCounter,
    failure: [IntCounter; 4],
    pub(crate) images: IntCounter,
    pub(crate) executions: IntCounter,
    request_us: IntCounter,
    pub(crate) queue_us: IntCounter,
    pub(crate) input_us: IntCounter,
    pub(crate) infer_us: IntCounter,
    pub(crate) output_us: IntCounter,
    pub(crate) pending: IntGauge,
}

/// The values of Triton's statistics extension; durations in microseconds.
pub(crate) struct Statistics {
    pub(crate) success: u64,
    pub(crate) failure: u64,
    pub(crate) images: u64,
    pub(crate) executions: u64,
    pub(crate) request_us: u64,
    pub(crate) queue_us: u64,
    pub(crate) input_us: u64,
    pub(crate) infer_us: u64,
    pub(crate) output_us: u64,
}

/// Names and help texts of the counters, in the order of [`Triton::loaded`].
const COUNTERS: [(&str, &str); 8] = [
    ("nv_inference_request_success", "Requests answered with 200"),
    ("nv_inference_count", "Images computed"),
    ("nv_inference_exec_count", "Batches computed"),
    ("nv_inference_request_duration_us", "Microseconds of all requests answered with 200"),
    ("nv_inference_queue_duration_us", "Microseconds in the queue"),
    ("nv_inference_compute_input_duration_us", "Microseconds to assemble batches"),
    ("nv_inference_compute_infer_duration_us", "Microseconds in the model"),
    ("nv_inference_compute_output_duration_us", "Microseconds to send results"),
];

/// Why a request failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FailureReason {
    /// The queue was full, or the deadline passed.
    Rejected,
    /// The client disconnected.
    Canceled,
    /// The model failed.
    Backend,
    /// Any other reason: the request was invalid.
    Other,
}

/// Triton's names, in the order of [`FailureReason`].
const REASONS: [&str; 4] = ["REJECTED", "CANCELED", "BACKEND", "OTHER"];

/// Triton's counters for all versions.
pub(crate) struct Triton {
    counters: Vec<IntCounterVec>,
    failure: IntCounterVec,
    pending: IntGaugeVec,
    model: String,
}

impl Triton {
    pub(crate) fn new(registry: &Registry, model: &str) -> prometheus::Result<Self> {
        let labels = ["model", "version"];
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let pending = "Requests of the model that are being answered";
        let pending = Opts::new("nv_inference_pending_request_count", pending);
        let pending = IntGaugeVec::new(pending, &labels)?;
        registry.register(Box::new(pending.clone()))?;
        Ok(Self {
            counters: COUNTERS
                .iter()
                .map(|(name, help)| counters(name, help, &labels))
                .collect::<prometheus::Result<_>>()?,
            failure: counters(
                "nv_inference_request_failure",
                "Requests answered with another status or not at all",
                &["model", "version", "reason"],
            )?,
            pending,
            model: model.to_owned(),
        })
    }

    /// The counters of a version that is served from now on. Those of versions before the last are removed, so that the
    /// number of series does not grow with reloads.
    pub(crate) fn loaded(&self, version: u64) -> Arc<ModelCounters> {
        let removed = version.saturating_sub(2).to_string();
        let labels = [self.model.as_str(), &removed];
        for counters in &self.counters {
            let _ = counters.remove_label_values(&labels);
        }
        let _ = self.pending.remove_label_values(&labels);
        for reason in REASONS {
            let _ = self.failure.remove_label_values(&[labels[0], labels[1], reason]);
        }
        let version = version.to_string();
        let labels = [self.model.as_str(), &version];
        let counter = |index: usize| self.counters[index].with_label_values(&labels);
        let failure =
            |reason| self.failure.with_label_values(&[self.model.as_str(), &version, reason]);
        Arc::new(ModelCounters {
            success: counter(0),
            images: counter(1),
            executions: counter(2),
            request_us: counter(3),
            queue_us: counter(4),
            input_us: counter(5),
            infer_us: counter(6),
            output_us: counter(7),
            failure: REASONS.map(failure),
            pending: self.pending.with_label_values(&labels),
        })
    }
}

impl ModelCounters {
    /// Counts a request that was answered with 200.
    pub(crate) fn succeeded(&self, time: Duration) {
        self.success.inc();
        self.request_us.inc_by(time.as_micros() as u64);
    }

    /// Counts a request that failed.
    pub(crate) fn failed(&self, reason: FailureReason) {
        self.failure[reason as usize].inc();
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            success: self.success.get(),
            failure: self.failure.iter().map(IntCounter::get).sum(),
            images: self.images.get(),
            executions: self.executions.get(),
            request_us: self.request_us.get(),
            queue_us: self.queue_us.get(),
            input_us: self.input_us.get(),
            infer_us: self.infer_us.get(),
            output_us: self.output_us.get(),
        }
    }
}
