//! The life of a server: start, reloads, and shutdown by signals.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;

use super::options::ServeOptions;
use super::service::{Service, n_cores};
use super::signals::{Signal, Signals};
use super::{AppState, Phase, connections, models};
use crate::error::{Error, Result};

/// How long an idle HTTP thread sleeps while callers are being refused. It then handles all arrivals of that time
/// together, which costs a third less than one by one (as in interrupt coalescing of network cards) and leaves more of
/// few cores to computation.
const PARK_DELAY: Duration = Duration::from_millis(1);

/// Blocking threads beside one a core, which parse and write large bodies: two decode images, one looks at the
/// model's file, and one opens the service. Loads have threads of their own.
const OTHER_BLOCKING_THREADS: usize = 4;

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Every accepted request was answered.
    Drained,
    /// `drain_timeout` passed before every accepted request was answered.
    TimedOut,
    /// A second signal ended the server without waiting for unanswered requests.
    Forced,
}

/// Serves `model` until a signal ends the server. Once it answers requests, a line on `out` gives its address.
///
/// SIGHUP, a change of the model file, and the load API reload the model; if the new one is invalid, the old one keeps
/// serving. SIGTERM and Ctrl-C drain the server: see `drain_delay` and `drain_timeout` of [`ServeOptions`].
///
/// # Errors
/// What [`Service::open`] returns, and [`Error::Listen`] if the server cannot listen on the address.
pub fn serve(model: &Path, options: &ServeOptions, out: &mut dyn Write) -> Result<Shutdown> {
    let threads = |error: std::io::Error| Error::Threads { reason: error.to_string() };
    let overloaded: Arc<AtomicBool> = Arc::default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(n_http_threads())
        .max_blocking_threads(n_cores() + OTHER_BLOCKING_THREADS)
        .thread_name("http")
        .on_thread_park({
            let overloaded = Arc::clone(&overloaded);
            move || {
                if overloaded.load(Ordering::Relaxed) {
                    std::thread::sleep(PARK_DELAY);
                }
            }
        })
        .enable_all()
        .build()
        .map_err(threads)?;
    let shutdown = runtime.block_on(async {
        // Before the model is loaded, so that a signal during loading is not lost.
        let mut signals = Signals::new().map_err(threads)?;
        let address = SocketAddr::new(options.host, options.port);
        let refused = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let (path, for_service) = (model.to_owned(), options.clone());
        let open = move || Service::open_with(&path, &for_service, overloaded);
        let service = tokio::select! {
            opened = tokio::task::spawn_blocking(open) => {
                opened.unwrap_or_else(|error| Err(Error::Threads { reason: error.to_string() }))?
            }
            () = until_shutdown(&mut signals) => return Ok(Shutdown::Forced),
        };
        let address = listener.local_addr().map_err(refused)?;
        // The server also runs if nobody reads its output.
        let _ = writeln!(out, "{} version 1 at http://{address}/", options.name.as_str());
        let _ = out.flush();
        Ok(run(&service.state, listener, signals).await)
    });
    // Does not wait for tasks that are still blocked.
    runtime.shutdown_background();
    shutdown
}

/// Threads for HTTP: a request costs about a fifth of an image's computation.
fn n_http_threads() -> usize {
    n_cores().div_ceil(4)
}

async fn run(state: &Arc<AppState>, listener: TcpListener, mut signals: Signals) -> Shutdown {
    let options = &state.options;
    let phase = &state.phase;
    let accepting =
        tokio::spawn(connections::accept(Arc::clone(state), listener, phase.subscribe()));
    let watching = tokio::spawn(watch_file(Arc::clone(state)));
    while signals.next().await == Signal::Reload {
        let state = Arc::clone(state);
        tokio::spawn(async move { models::reload(&state).await });
    }
    watching.abort();
    let drain = async {
        tracing::info!(delay = ?options.drain_delay, "draining");
        phase.send_replace(Phase::Draining);
        tokio::time::sleep(options.drain_delay).await;
        phase.send_replace(Phase::Closing);
        let rest = async {
            let _ = accepting.await;
            connections::wait_until_closed(&state.connections, options.max_connections).await;
        };
        tokio::time::timeout(options.drain_timeout, rest).await.is_ok()
    };
    let shutdown = tokio::select! {
        drained = drain => if drained { Shutdown::Drained } else { Shutdown::TimedOut },
        () = until_shutdown(&mut signals) => Shutdown::Forced,
    };
    state.queue.close();
    tracing::info!(?shutdown, "stopped");
    shutdown
}

async fn until_shutdown(signals: &mut Signals) {
    while signals.next().await == Signal::Reload {}
}

/// Checks the model's file for changes every `watch` seconds.
async fn watch_file(state: Arc<AppState>) {
    if state.options.watch.is_zero() {
        return;
    }
    loop {
        tokio::time::sleep(state.options.watch).await;
        let shared = Arc::clone(&state);
        let has_changed = tokio::task::spawn_blocking(move || shared.models.file_has_changed());
        if has_changed.await.unwrap_or(false) {
            let _ = models::reload(&state).await;
        }
    }
}
