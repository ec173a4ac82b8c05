//! A loaded model with its queue, workers and routes: the server without its socket.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::http::{HeaderValue, Request, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use rayon::ThreadPool;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::metrics::Metrics;
use super::middleware::{self, RequestIds};
use super::models::Models;
use super::options::ServeOptions;
use super::queue::Queue;
use super::{AppState, Phase, body, predict, routes, token, workers};
use crate::error::{Error, Result};

/// A model that answers requests in this process; [`serve`](super::serve) adds the socket.
pub struct Service {
    pub(super) state: Arc<AppState>,
    router: axum::Router,
    /// The workers' threads; they end when this is dropped.
    _workers: Vec<ThreadPool>,
}

impl Service {
    /// Loads the model and starts the workers.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Errors
    /// What [`Classifier::load`](crate::Classifier::load) returns, [`Error::Token`] for a token that no client can
    /// send, [`Error::Threads`] if the system refuses more threads.
    pub fn open(model: &Path, options: &ServeOptions) -> Result<Self> {
        Self::open_with(model, options, Arc::default())
    }

    /// [`open`](Self::open); from then on `overloaded` says whether callers are being refused.
    pub(super) fn open_with(
        model: &Path,
        options: &ServeOptions,
        overloaded: Arc<AtomicBool>,
    ) -> Result<Self> {
        let metrics = Metrics::new(options.name.as_str())
            .map_err(|error| Error::Threads { reason: error.to_string() })?;
        let state = Arc::new(AppState {
            n_workers: options.threads.unwrap_or_else(n_cores),
            token: token::read(options)?,
            models: Models::open(model.to_owned(), &metrics)?,
            queue: Queue::new(options.queue, overloaded),
            metrics,
            request_ids: RequestIds::new(),
            body_memory: Arc::new(Semaphore::new(body::MAX_BODY_UNITS)),
            decoders: predict::Decoders::new(),
            connections: Arc::new(Semaphore::new(options.max_connections)),
            phase: watch::Sender::new(Phase::Serving),
            runtime: Handle::current(),
            options: options.clone(),
        });
        if state.models.current().classifier.is_synthetic() {
            tracing::warn!("this model was trained on synthetic digits, not on handwriting");
        }
        if !options.host.is_loopback() && state.token.is_none() {
            tracing::warn!(host = %options.host, "no token is set: anyone who reaches this address can use the server");
        }
        let workers = workers::start(&state)?;
        Ok(Self { router: routes::router(Arc::clone(&state)), state, _workers: workers })
    }

    /// Answers one request in this process with a status and a body; call it inside a tokio runtime. A request without a
    /// `Host` is one to `localhost`.
    pub async fn answer(&self, request: Request<Bytes>) -> (u16, Vec<u8>) {
        let mut request = request.map(axum::body::Body::from);
        let localhost = HeaderValue::from_static("localhost");
        request.headers_mut().entry(header::HOST).or_insert(localhost);
        let response = middleware::answer(&self.state, self.router.clone(), request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await;
        (status, body.map(|body| body.to_bytes().to_vec()).unwrap_or_default())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.state.queue.close();
    }
}

pub(super) fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
