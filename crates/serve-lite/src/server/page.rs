//! The page to draw on; its files are embedded in the binary.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};

/// Only this server's own files are loaded, and no other site can frame the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const INDEX: &str = include_str!("page/index.html");
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// Path, content type and text of the files that the page loads.
pub(crate) const FILES: [(&str, &str, &str); 7] = [
    ("/page.css", CSS, include_str!("page/page.css")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/view.js", SCRIPT, include_str!("page/view.js")),
    ("/server.js", SCRIPT, include_str!("page/server.js")),
    ("/files.js", SCRIPT, include_str!("page/files.js")),
    ("/digit.js", SCRIPT, include_str!("page/digit.js")),
    ("/samples.js", SCRIPT, include_str!("page/samples.js")),
];

/// The page for the model of this name, which contains no special character of HTML.
pub(crate) fn index(model: &str) -> Response {
    file("text/html; charset=utf-8", INDEX.replace("{{model}}", model))
}

/// A file, with the headers that restrict what a browser does with it.
pub(crate) fn file(content_type: &'static str, text: impl IntoResponse) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}
