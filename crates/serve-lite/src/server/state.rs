//! The state that all requests share.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::metrics::Metrics;
use super::middleware::RequestIds;
use super::models::Models;
use super::options::ServeOptions;
use super::predict::Decoders;
use super::queue::Queue;

/// The state that all requests share.
pub(super) struct AppState {
    pub(super) options: ServeOptions,
    pub(super) n_workers: usize,
    /// The bearer token that clients must send, if there is one.
    pub(super) token: Option<String>,
    pub(super) models: Models,
    pub(super) queue: Queue,
    pub(super) metrics: Metrics,
    pub(super) request_ids: RequestIds,
    /// The memory that bodies may take, in units of [`BODY_UNIT`](super::body::BODY_UNIT).
    pub(super) body_memory: Arc<Semaphore>,
    pub(super) decoders: Decoders,
    /// Connections that may be open at once.
    pub(super) connections: Arc<Semaphore>,
    pub(super) phase: watch::Sender<Phase>,
    /// The runtime of the handlers.
    pub(super) runtime: Handle,
}

/// The phases of a server's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serving, and ready.
    Serving,
    /// Still serving, but not ready any more.
    Draining,
    /// No new connections; each open one closes after its current request.
    Closing,
}

impl AppState {
    pub(super) fn is_draining(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
    }
}
