//! The reply to a request that fails.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::text::{printable, shortened};

/// Seconds until a refused client should try again: a full queue is computed in less.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The most bytes of a message that can quote a request: a small compressed request can hold megabytes.
const MAX_MESSAGE: usize = 240;

/// Why a request failed: a status, and a message that names the problem and the remedy.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Whether the same request can succeed a moment later.
    pub(crate) retry: bool,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry: false }
    }

    /// The request is invalid. The message can quote it, so it is cut to [`MAX_MESSAGE`] bytes and made printable.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::quoting(StatusCode::BAD_REQUEST, &message.into())
    }

    /// [`new`](Self::new) for a message that quotes the request.
    pub(crate) fn quoting(status: StatusCode, message: &str) -> Self {
        Self::new(status, printable(&shortened(message, MAX_MESSAGE)))
    }

    /// The thread that worked on the request panicked.
    pub(crate) fn lost_thread() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the thread of this request ended unexpectedly",
        )
    }

    /// The server cannot accept the request now.
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
            // The rest of the body would be read as the next request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
