//! Cross-origin requests (<https://fetch.spec.whatwg.org/#http-cors-protocol>): which pages of other sites may send
//! requests and read the replies. None may, unless `--cors-origin` names theirs.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::options::ServeOptions;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// The headers that the protocol's requests may have, besides those that need no permission.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-encoding, content-type, inference-header-content-length, x-request-id",
);
/// The headers of replies that a page may read.
const READABLE: HeaderValue =
    HeaderValue::from_static("inference-header-content-length, retry-after, x-request-id");
/// Seconds for which a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// The origin of the page that sends a request, if `--cors-origin` allows it.
pub(super) fn allowed(options: &ServeOptions, headers: &HeaderMap) -> Option<HeaderValue> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return None };
    let is_named = options.cors_origin.iter().any(|named| named.as_bytes() == origin.as_bytes());
    (is_named || options.allows_every_origin()).then(|| origin.clone())
}

/// The reply to a browser that asks what a page of an allowed origin may send; `None` for any other request.
pub(super) fn preflight(options: &ServeOptions, request: &Request<Body>) -> Option<Response> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    (asks && allowed(options, headers).is_some()).then(|| {
        let headers = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ];
        (StatusCode::NO_CONTENT, headers).into_response()
    })
}

/// Lets a page of the allowed `origin` read a reply; caches must not give it to other origins.
pub(super) fn permit(options: &ServeOptions, origin: Option<HeaderValue>, response: &mut Response) {
    if options.cors_origin.is_empty() {
        return;
    }
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
    }
}
