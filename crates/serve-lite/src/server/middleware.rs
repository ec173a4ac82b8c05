//! The middleware around all routes: who may send requests, request ids and the request log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use super::{AppState, access, cors};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is accepted from a client, in bytes; it is written to the log.
const MAX_ID_BYTES: usize = 128;

/// Generates ids for requests that come without one. They differ from those of other processes and earlier runs.
pub(super) struct RequestIds {
    prefix: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let prefix = since.as_micros() as u64 ^ u64::from(std::process::id()) << 40;
        Self { prefix, next: AtomicU64::new(1) }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{:x}-{number:x}", self.prefix);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
    }
}

/// Answers a request: checks who may send it, calls the route, sets the request id and writes the log.
pub(super) async fn answer(state: &AppState, router: Router, request: Request<Body>) -> Response {
    let start = Instant::now();
    let id = client_id(request.headers()).unwrap_or_else(|| state.request_ids.next());
    let logged = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), request.uri().path().to_owned()));
    let origin = cors::allowed(&state.options, request.headers());
    let mut response = match cors::preflight(&state.options, &request) {
        Some(response) => response,
        None => match access::check(state, &request) {
            Ok(()) => {
                let Ok(response) = router.oneshot(request).await;
                response
            }
            Err(failure) => failure.into_response(),
        },
    };
    cors::permit(&state.options, origin, &mut response);
    if state.is_draining() {
        // Clients with open connections then connect to another server.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let (status, seconds) = (response.status().as_u16(), start.elapsed().as_secs_f64());
    let text = id.to_str().unwrap_or_default();
    if let Some((method, path)) = logged {
        tracing::debug!(request = text, %method, ?path, status, seconds, "answered");
    } else if status == StatusCode::INTERNAL_SERVER_ERROR.as_u16() {
        tracing::error!(request = text, status, seconds, "the server failed on a request");
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The client's id for its request, if it is printable and not too long.
fn client_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let printable = id.len() <= MAX_ID_BYTES && id.as_bytes().iter().all(u8::is_ascii_graphic);
    (printable && !id.is_empty()).then(|| id.clone())
}
