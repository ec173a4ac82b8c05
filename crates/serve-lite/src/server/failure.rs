//! What a client is told when its request was not answered.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::format::printable;

/// Seconds after which a refused client may try again: the longest queue is computed in less.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The most bytes of a message that may quote a client: what it sent may be megabytes, and a few
/// kilobytes while they were packed.
const LONGEST: usize = 240;

/// A request that was not answered: a status, and in words what was wrong and what to do.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Whether the same request may succeed a moment later.
    pub(crate) retry: bool,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry: false }
    }

    /// The request itself is wrong. Such a message may quote it, so it is cut to [`LONGEST`] and made
    /// printable.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.len() > LONGEST {
            message.truncate(message.floor_char_boundary(LONGEST));
            message.push_str("...");
        }
        Self::new(StatusCode::BAD_REQUEST, printable(&message))
    }

    /// The work for the request ended with its thread.
    pub(crate) fn lost_thread() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server lost a thread")
    }

    /// The server cannot take the request now.
    pub(crate) fn busy(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry: true }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({ "error": self.message }));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if self.retry {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            // What is left of the body would be taken for the next request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
