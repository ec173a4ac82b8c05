//! What happens to every request before it is looked at, and to every reply after it is made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;
use tower::ServiceExt;

use super::failure::Failure;
use super::{Server, routes};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken from a client; it ends up in every log line.
const LONGEST_ID: usize = 128;

/// Names for requests that come without one: unlike those of another process, or an earlier one.
pub(crate) struct Ids {
    started: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = since.as_micros() as u64 ^ u64::from(std::process::id()) << 40;
        Self { started, next: AtomicU64::new(1) }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("{:x}-{number:x}", self.started);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
    }
}

/// Answers a request: token, routes, request id, log.
pub(crate) async fn answer(server: &Server, router: Router, request: Request<Body>) -> Response {
    let start = Instant::now();
    let id = id_of(request.headers()).unwrap_or_else(|| server.ids.next());
    let logged = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), request.uri().path().to_owned()));
    let mut response = if may_enter(server, &request) {
        let Ok(response) = router.oneshot(request).await;
        response
    } else {
        let message = "this server wants a token: send Authorization: Bearer TOKEN";
        Failure::new(StatusCode::UNAUTHORIZED, message).into_response()
    };
    if server.is_draining() {
        // So that clients with open connections look for another server.
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

/// The client's own name for its request, if it can be printed.
fn id_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let printable = id.len() <= LONGEST_ID && id.as_bytes().iter().all(u8::is_ascii_graphic);
    (printable && !id.is_empty()).then(|| id.clone())
}

fn may_enter(server: &Server, request: &Request<Body>) -> bool {
    let Some(token) = &server.token else { return true };
    if routes::is_open(request.uri().path()) {
        return true;
    }
    let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = given.and_then(|value| match value.split_at_checked("bearer ".len())? {
        (scheme, given) if scheme.eq_ignore_ascii_case(b"bearer ") => Some(given),
        _ => None,
    });
    // How long it takes tells the token's length at most, not how much of it was right.
    given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes())))
}
