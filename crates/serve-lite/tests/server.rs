//! `serve-lite serve` as clients meet it: the real program, spoken to byte by byte over TCP.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

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
#[path = "server/client.rs"]
mod client;
#[path = "server/faulty.rs"]
mod faulty;
#[path = "server/lifecycle.rs"]
mod lifecycle;
#[path = "server/limits.rs"]
mod limits;
#[path = "server/metrics.rs"]
mod metrics;
mod models;
#[path = "server/page.rs"]
mod page;
#[path = "server/process.rs"]
mod process;
#[path = "server/requests.rs"]
mod requests;
#[path = "server/routes.rs"]
mod routes;
#[path = "server/wire.rs"]
mod wire;
