//! `serve-lite serve` as its clients see it: the real program, over TCP.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "server/access.rs"]
mod access;
#[path = "server/answers.rs"]
mod answers;
#[path = "server/bad.rs"]
mod bad;
#[path = "server/bad_binary.rs"]
mod bad_binary;
#[path = "server/bad_http.rs"]
mod bad_http;
#[path = "server/bad_json.rs"]
mod bad_json;
#[path = "server/batching.rs"]
mod batching;
#[path = "server/faulty.rs"]
mod faulty;
#[path = "server/forms.rs"]
mod forms;
#[path = "server/http.rs"]
mod http;
#[path = "server/lifecycle.rs"]
mod lifecycle;
#[path = "server/limits.rs"]
mod limits;
#[path = "server/loads.rs"]
mod loads;
#[path = "server/metrics.rs"]
mod metrics;
mod models;
#[path = "server/page.rs"]
mod page;
#[path = "server/routes.rs"]
mod routes;
#[path = "server/test_server.rs"]
mod test_server;
