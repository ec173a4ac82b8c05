//! The model behind HTTP: the Open Inference Protocol as Triton speaks it, a route for pictures, a
//! page to draw on, metrics.
//!
//! ```text
//! connections -> door -> routes -> infer   -> body -> request ------> queue -> workers -> reply
//!                               -> predict -> body -> picture crate -'
//! ```
//!
//! Connections, door and handlers run on tokio's threads and never compute; workers are threads that
//! do nothing else. Between them is the queue, which is where callers' pictures are put together,
//! where load beyond capacity is refused, and where a request whose deadline passed, or whose client
//! left, is dropped.

mod body;
mod connections;
mod door;
mod failure;
mod grey_levels;
mod infer;
mod log;
mod metadata;
mod metrics;
mod models;
mod options;
mod page;
mod predict;
mod priority;
mod queue;
mod recorder;
mod reply;
mod request;
mod routes;
mod signals;
mod triton;
mod workers;

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::Request;
use bytes::Bytes;
use http_body_util::BodyExt;
use rayon::ThreadPool;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use crate::error::{Error, Result};
use crate::input::read_file;
pub use log::log_to_stderr;
pub use options::{LogFormat, LogLevel, ModelName, ServeOptions};
use signals::{Signal, Signals};

/// The variable that may hold the bearer token, which command lines show to everyone.
const TOKEN: &str = "SERVE_LITE_TOKEN";
/// The longest token file that is read, in bytes.
const LONGEST_TOKEN: u64 = 4096;

/// How long a thread that speaks HTTP rests, once it has nothing to do, while callers are being
/// refused. What arrives meanwhile is then dealt with in one go, which costs a third less than one by
/// one, as with a network card's interrupts; and on few cores it is computation's gain.
const COALESCED: Duration = Duration::from_millis(1);

/// Everything that requests share.
struct Server {
    options: ServeOptions,
    n_workers: usize,
    token: Option<String>,
    models: models::Models,
    queue: queue::Queue,
    metrics: metrics::Metrics,
    ids: door::Ids,
    /// Bytes of bodies, in units of [`body::ALL_BODIES`].
    bodies: Arc<Semaphore>,
    decoders: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
    /// Where the handlers run.
    runtime: Handle,
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Serving on, while readiness says no.
    Draining,
    /// No new connections; those that are open end with the request they are at.
    Closing,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every request that was accepted was answered.
    Drained,
    /// Requests that were still unanswered at the end of `drain_timeout` were given up.
    Cut,
    /// A second signal: requests were given up at once.
    Stopped,
}

/// A model that answers requests; what [`serve`] puts behind a socket.
pub struct Service {
    server: Arc<Server>,
    router: axum::Router,
    /// The workers' threads, which end with it.
    _workers: Vec<ThreadPool>,
}

/// Serves `model` until a signal ends it. A line on `out` says where, once requests are answered.
///
/// SIGHUP, a change of the file, and the load API read the model again; the one before goes on where
/// the new one is bad. SIGTERM and Ctrl-C drain: see `drain_delay` and `drain_timeout` of
/// [`ServeOptions`].
///
/// # Errors
/// What [`Service::open`] returns, and [`Error::Listen`] if the address cannot be had.
pub fn serve(model: &Path, options: &ServeOptions, out: &mut dyn Write) -> Result<Ended> {
    let threads = |error: std::io::Error| Error::Threads { reason: error.to_string() };
    let crowded: Arc<AtomicBool> = Arc::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(n_io_threads())
        .max_blocking_threads(n_cores() + 1)
        .thread_name("http")
        .on_thread_park({
            let crowded = Arc::clone(&crowded);
            move || {
                if crowded.load(Ordering::Relaxed) {
                    std::thread::sleep(COALESCED);
                }
            }
        })
        .enable_all()
        .build()
        .map_err(threads)?;
    let ended = runtime.block_on(async {
        // First of all, so that a signal while the model loads is not lost.
        let signals = Signals::new().map_err(threads)?;
        let address = SocketAddr::new(options.host, options.port);
        let refused = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let service = Service::open_with(model, options, crowded)?;
        let address = listener.local_addr().map_err(refused)?;
        // Whoever started the server may not read what it says; that is no reason not to serve.
        let _ = writeln!(out, "{} version 1 at http://{address}/", options.name.as_str());
        let _ = out.flush();
        Ok(run(&service.server, listener, signals).await)
    });
    // Whatever is still stuck is not waited for.
    runtime.shutdown_background();
    ended
}

/// Threads that speak HTTP: a request costs about a fifth of a picture's computation.
fn n_io_threads() -> usize {
    n_cores().div_ceil(4)
}

fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

async fn run(server: &Arc<Server>, listener: TcpListener, mut signals: Signals) -> Ended {
    let options = &server.options;
    let phase = &server.phase;
    let accepting =
        tokio::spawn(connections::accept(Arc::clone(server), listener, phase.subscribe()));
    let watching = tokio::spawn(watch_file(Arc::clone(server)));
    while signals.next().await == Signal::Reload {
        let server = Arc::clone(server);
        tokio::task::spawn_blocking(move || server.models.reload(&server.metrics));
    }
    watching.abort();
    let drain = async {
        tracing::info!(delay = ?options.drain_delay, "draining");
        phase.send_replace(Phase::Draining);
        tokio::time::sleep(options.drain_delay).await;
        phase.send_replace(Phase::Closing);
        let rest = async {
            let _ = accepting.await;
            connections::ended(&server.connections, options.max_connections).await;
        };
        tokio::time::timeout(options.drain_timeout, rest).await.is_ok()
    };
    let again = async { while signals.next().await == Signal::Reload {} };
    let ended = tokio::select! {
        drained = drain => if drained { Ended::Drained } else { Ended::Cut },
        () = again => Ended::Stopped,
    };
    server.queue.close();
    tracing::info!(?ended, "stopped");
    ended
}

/// Looks at the model's file from time to time.
async fn watch_file(server: Arc<Server>) {
    if server.options.watch.is_zero() {
        return;
    }
    loop {
        tokio::time::sleep(server.options.watch).await;
        let server = Arc::clone(&server);
        let look = move || server.models.reload_if_changed(&server.metrics);
        let _ = tokio::task::spawn_blocking(look).await;
    }
}

impl Service {
    /// Loads the model and starts the workers.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Errors
    /// What [`Classifier::load`](crate::Classifier::load) returns, [`Error::Token`] for a token that
    /// no client could send, [`Error::Threads`] if the system has no threads left.
    pub fn open(model: &Path, options: &ServeOptions) -> Result<Self> {
        Self::open_with(model, options, Arc::default())
    }

    /// [`open`](Self::open), where `crowded` says from then on whether callers are being refused.
    fn open_with(model: &Path, options: &ServeOptions, crowded: Arc<AtomicBool>) -> Result<Self> {
        let metrics = metrics::Metrics::new(options.name.as_str())
            .map_err(|error| Error::Threads { reason: error.to_string() })?;
        let server = Arc::new(Server {
            n_workers: options.threads.unwrap_or_else(n_cores),
            token: token(options)?,
            models: models::Models::open(model.to_owned(), &metrics)?,
            queue: queue::Queue::new(options.queue, crowded),
            metrics,
            ids: door::Ids::new(),
            bodies: Arc::new(Semaphore::new(body::ALL_BODIES)),
            decoders: Arc::new(Semaphore::new(predict::DECODED_AT_ONCE)),
            connections: Arc::new(Semaphore::new(options.max_connections)),
            phase: watch::Sender::new(Phase::Serving),
            runtime: Handle::current(),
            options: options.clone(),
        });
        if server.models.current().classifier.is_synthetic() {
            tracing::warn!("this model was trained on synthetic digits, not on handwriting");
        }
        if !options.host.is_loopback() && server.token.is_none() {
            tracing::warn!(host = %options.host, "whoever reaches this address may use the server");
        }
        let workers = workers::start(&server)?;
        Ok(Self { router: routes::router(Arc::clone(&server)), server, _workers: workers })
    }

    /// Answers one request in this process: status and body. Needs tokio's runtime around it.
    pub async fn answer(&self, request: Request<Bytes>) -> (u16, Vec<u8>) {
        let request = request.map(axum::body::Body::from);
        let response = door::answer(&self.server, self.router.clone(), request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await;
        (status, body.map(|body| body.to_bytes().to_vec()).unwrap_or_default())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.queue.close();
    }
}

impl Server {
    fn is_draining(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
    }
}

fn token(options: &ServeOptions) -> Result<Option<String>> {
    let text = match &options.token_file {
        Some(path) => String::from_utf8_lossy(&read_file(LONGEST_TOKEN, path)?).into_owned(),
        None => match std::env::var(TOKEN) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let token = text.trim();
    match !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Some(token.to_owned())),
        false => Err(Error::Token),
    }
}
