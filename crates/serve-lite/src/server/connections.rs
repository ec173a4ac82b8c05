//! Connections: their number, their timeouts, and how they close.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;

use super::half_close::{HalfClosable, Progress, TrackedBody};
use super::{AppState, Phase, middleware, routes};

/// Bytes that a connection buffers: the longest head of a request, and a dozen digits of a body.
const BUFFER: usize = 64 << 10;
/// The delay after a connection could not be accepted, for instance because the process has no file descriptor left:
/// retrying at once would only keep a core busy.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
/// The least time between two lines of the log about such connections, which can fail for hours.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(60);
/// How long a refused connection has to read the reason.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long an idle connection stays open during shutdown: longer than a request takes to arrive that its client sent
/// before it could know.
const IDLE_GRACE_PERIOD: Duration = Duration::from_millis(250);

/// Accepts connections until the phase is [`Phase::Closing`], then those that are already waiting.
pub(super) async fn accept(
    state: Arc<AppState>,
    listener: TcpListener,
    mut phase: watch::Receiver<Phase>,
) {
    let router = routes::router(Arc::clone(&state));
    let slots = Arc::clone(&state.connections);
    let start = |stream: TcpStream| {
        let _ = stream.set_nodelay(true);
        match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => {
                tokio::spawn(serve_connection(Arc::clone(&state), router.clone(), stream, slot));
            }
            Err(_) => {
                state.metrics.refused_connections.inc();
                tokio::spawn(tokio::time::timeout(REFUSAL_TIMEOUT, refuse(stream)));
            }
        }
    };
    let mut failures = AcceptFailures::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase == Phase::Closing) => break,
        };
        match accepted {
            Ok((stream, _)) => start(stream),
            Err(error) => {
                failures.log(&error);
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    // The operating system has completed these connections, and closing the listener would reset them. tokio may not
    // have been notified of them yet, so they are accepted directly.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, _)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        let _ = stream.map(&start);
    }
}

/// Connections that could not be accepted since the last line of the log about them.
#[derive(Default)]
struct AcceptFailures {
    count: u64,
    logged: Option<Instant>,
}

impl AcceptFailures {
    fn log(&mut self, error: &std::io::Error) {
        self.count += 1;
        if self.logged.is_none_or(|logged| logged.elapsed() >= ACCEPT_LOG_INTERVAL) {
            tracing::warn!(%error, attempts = self.count, "connections cannot be accepted");
            *self = Self { count: 0, logged: Some(Instant::now()) };
        }
    }
}

/// Waits until every connection is closed.
pub(super) async fn wait_until_closed(slots: &Semaphore, n_slots: usize) {
    let _ = slots.acquire_many(n_slots as u32).await;
}

/// Serves the requests of a connection until it closes; it keeps its slot until then.
async fn serve_connection(
    state: Arc<AppState>,
    router: Router,
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
) {
    state.metrics.connections.inc();
    let progress = Arc::<Progress>::default();
    let answer = |request: Request<Incoming>| {
        let (state, router, progress) = (Arc::clone(&state), router.clone(), Arc::clone(&progress));
        async move {
            let request =
                request.map(|body| Body::new(TrackedBody::new(body, Arc::clone(&progress))));
            let response = middleware::answer(&state, router, request).await;
            progress.answered();
            Ok::<Response, std::convert::Infallible>(response)
        }
    };
    // Closes the connection of a client that does not read its reply; hyper only has timeouts for reading.
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(state.options.body_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(state.options.header_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(
            TokioIo::new(HalfClosable::new(stream, Arc::clone(&progress))),
            service_fn(answer),
        );
    tokio::pin!(connection);
    let mut phase = state.phase.subscribe();
    let closing = phase.wait_for(|phase| *phase == Phase::Closing);
    // Errors of a connection are its client's and are ignored.
    let mut ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = closing => None,
    };
    if ended.is_none() {
        // hyper's shutdown closes an idle connection at once, although a request may be on its way. From this phase on,
        // the next reply closes the connection anyway.
        ended = tokio::time::timeout(IDLE_GRACE_PERIOD, connection.as_mut()).await.ok();
    }
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
    state.metrics.connections.dec();
}

/// Replies that there are too many connections, without reading the request.
async fn refuse(mut stream: TcpStream) {
    let body = r#"{"error":"too many connections: try again"}"#;
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    if stream.write_all(reply.as_bytes()).await.is_ok() && stream.shutdown().await.is_ok() {
        // Unread data would reset the connection before the client reads the reply.
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await.is_ok_and(|n_bytes| n_bytes > 0) {}
    }
}
