//! The HTTP server: the Open Inference Protocol as Triton implements it, a route for image files, a page to draw on and
//! metrics.
//!
//! ```text
//! connections -> middleware -> routes -> infer   -> body -> request     -> queue -> workers -> reply
//!                                     -> predict -> body -> preparation -'
//! ```
//!
//! Connections, middleware and handlers run on tokio's threads and never compute; the workers' threads only compute.
//! The queue is between them: it batches the images of several callers, refuses load beyond capacity, and drops
//! requests whose deadline has passed or whose client has disconnected.

mod access;
mod body;
mod connections;
mod cors;
mod failure;
mod half_close;
mod infer;
mod lifecycle;
mod load_failures;
mod log;
mod metadata;
mod metrics;
mod middleware;
mod models;
mod multipart;
mod options;
mod page;
mod predict;
mod priority;
mod queue;
mod reply;
mod request;
mod request_recorder;
mod routes;
mod service;
mod signals;
mod state;
mod tensor_data;
mod token;
mod triton;
mod workers;

pub use lifecycle::{Shutdown, serve};
pub use log::log_to_stderr;
pub use options::{LogFormat, LogLevel, ModelName, ServeOptions};
pub use service::Service;

use state::{AppState, Phase};
