//! Connections: how many, how slow they may be, and how they end.

use std::sync::Arc;
use std::time::Duration;

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

use super::{Phase, Server, door};

/// Bytes that a connection buffers: the longest head of a request, and a dozen pictures of a body.
const BUFFER: usize = 64 << 10;
/// How long to wait when no connection can be accepted, for instance as there are no more file
/// descriptors: trying again at once would only keep a core busy.
const NO_MORE: Duration = Duration::from_millis(50);
/// How long a connection that is refused has to read why.
const REFUSED: Duration = Duration::from_secs(1);

/// How long an idle connection lives on when the server ends: a request that a client sent before it
/// could know takes less to arrive.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Accepts connections until the phase is [`Phase::Closing`], then those that already wait.
pub(crate) async fn accept(
    server: Arc<Server>,
    listener: TcpListener,
    mut phase: watch::Receiver<Phase>,
) {
    let router = super::routes::router(Arc::clone(&server));
    let slots = Arc::clone(&server.connections);
    let start = |stream: TcpStream| {
        let _ = stream.set_nodelay(true);
        match Arc::clone(&slots).try_acquire_owned() {
            Ok(slot) => {
                tokio::spawn(converse(Arc::clone(&server), router.clone(), stream, slot));
            }
            Err(_) => {
                server.metrics.refused_connections.inc();
                tokio::spawn(tokio::time::timeout(REFUSED, refuse(stream)));
            }
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase == Phase::Closing) => break,
        };
        match accepted {
            Ok((stream, _)) => start(stream),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(NO_MORE).await;
            }
        }
    }
    // The system has completed these, and closing the listener would reset them. tokio may not have
    // heard of them yet, so the system is asked.
    let Ok(listener) = listener.into_std() else { return };
    while let Ok((stream, _)) = listener.accept() {
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        let _ = stream.map(&start);
    }
}

/// Waits until every connection has ended.
pub(crate) async fn ended(slots: &Semaphore, n_slots: usize) {
    let _ = slots.acquire_many(n_slots as u32).await;
}

async fn converse(
    server: Arc<Server>,
    router: Router,
    stream: TcpStream,
    _slot: OwnedSemaphorePermit,
) {
    server.metrics.connections.inc();
    let answer = |request: Request<Incoming>| {
        let (server, router) = (Arc::clone(&server), router.clone());
        async move {
            let response = door::answer(&server, router, request.map(Body::new)).await;
            Ok::<Response, std::convert::Infallible>(response)
        }
    };
    // Whoever does not take its reply is given up as well; hyper minds only what it reads.
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(server.options.body_timeout));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(server.options.header_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    tokio::pin!(connection);
    let mut phase = server.phase.subscribe();
    let closing = phase.wait_for(|phase| *phase == Phase::Closing);
    // Whatever a client does to its connection concerns that client alone.
    let mut ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = closing => None,
    };
    if ended.is_none() {
        // hyper closes an idle connection at once, though a request may be on its way. From now on the
        // next reply ends it anyway.
        ended = tokio::time::timeout(LAST_WORDS, connection.as_mut()).await.ok();
    }
    if ended.is_none() {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
    server.metrics.connections.dec();
}

/// Says that there is no room, without looking at what is asked.
async fn refuse(mut stream: TcpStream) {
    let body = r#"{"error":"too many connections: try again"}"#;
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let reply = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    if stream.write_all(reply.as_bytes()).await.is_ok() && stream.shutdown().await.is_ok() {
        // What the client still sends has to be read, or it is reset before it reads the reply.
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await.is_ok_and(|n_bytes| n_bytes > 0) {}
    }
}
