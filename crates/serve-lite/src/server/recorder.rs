//! A request, from when it is begun to when it is counted.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;

use super::metrics::Metrics;
use super::triton::{ModelCounters, Reason};

/// Which of the two ways to an answer a request took.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    Infer,
    Predict,
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

impl<'a> Recorder<'a> {
    /// A request begins.
    pub(crate) fn begin(metrics: &'a Metrics, route: Route) -> Self {
        metrics.pending.inc();
        Self { metrics, route, start: Instant::now(), model: None, ended: false }
    }

    /// The request is for this model.
    pub(crate) fn of(&mut self, model: &Arc<ModelCounters>) {
        model.pending.inc();
        self.model = Some(Arc::clone(model));
    }

    /// The request is answered.
    pub(crate) fn end(mut self, status: StatusCode) {
        let reason = match status {
            StatusCode::OK => None,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some(Reason::Rejected)
            }
            StatusCode::INTERNAL_SERVER_ERROR => Some(Reason::Backend),
            _ => Some(Reason::Other),
        };
        self.count(status.as_str(), reason);
    }

    /// Counts under `code`; a `reason` says that it failed.
    fn count(&mut self, code: &str, reason: Option<Reason>) {
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

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.count("canceled", Some(Reason::Canceled));
        }
    }
}
