//! Counts a request once, from its beginning to its end.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;

use super::metrics::Metrics;
use super::triton::{FailureReason, ModelCounters};

/// The route of a request, as the metrics name it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    Infer,
    Predict,
}

/// A request that is being answered. It is counted once when it ends: with its status, or as canceled if it is dropped
/// before, which happens when its client disconnects.
pub(super) struct RequestRecorder<'a> {
    metrics: &'a Metrics,
    route: Route,
    start: Instant,
    model: Option<Arc<ModelCounters>>,
    ended: bool,
}

impl<'a> RequestRecorder<'a> {
    /// Begins a request.
    pub(super) fn begin(metrics: &'a Metrics, route: Route) -> Self {
        metrics.pending.inc();
        Self { metrics, route, start: Instant::now(), model: None, ended: false }
    }

    /// Also counts the request for this model.
    pub(super) fn set_model(&mut self, model: &Arc<ModelCounters>) {
        model.pending.inc();
        self.model = Some(Arc::clone(model));
    }

    /// Ends a request that was answered with `status`.
    pub(super) fn end(mut self, status: StatusCode) {
        let reason = match status {
            StatusCode::OK => None,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some(FailureReason::Rejected)
            }
            StatusCode::INTERNAL_SERVER_ERROR => Some(FailureReason::Backend),
            _ => Some(FailureReason::Other),
        };
        self.count(status.as_str(), reason);
    }

    /// Counts the request under `code`; it failed if there is a `reason`.
    fn count(&mut self, code: &str, reason: Option<FailureReason>) {
        self.ended = true;
        let route = match self.route {
            Route::Infer => "infer",
            Route::Predict => "predict",
        };
        let time = self.start.elapsed();
        self.metrics.ended(route, code, time);
        let Some(model) = &self.model else { return };
        model.pending.dec();
        match reason {
            Some(reason) => model.failed(reason),
            None => model.succeeded(time),
        }
    }
}

impl Drop for RequestRecorder<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.count("canceled", Some(FailureReason::Canceled));
        }
    }
}
