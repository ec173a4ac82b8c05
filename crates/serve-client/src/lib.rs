//! A client of `serve-lite serve` for tests and measurements.
//!
//! - [`ServerProcess`] starts the program on a free port and ends it when dropped.
//! - [`requests`] makes requests as bytes, so that a test can also send malformed ones.
//! - [`Connection`] sends them and reads a [`Reply`]; [`blocking::Connection`] is the same without async.
//! - [`Answer`] holds the tensors of an inference reply, [`Metrics`] what `/metrics` says.
//!
//! A development crate: the tests of `serve-lite`, those of the workspace, and `soak` use it.

mod answer;
pub mod blocking;
mod connection;
mod metrics;
mod process;
mod reply;
pub mod requests;

pub use answer::{Answer, same_bits};
pub use connection::{Connection, Failure};
pub use metrics::Metrics;
pub use process::{ServerProcess, kill_all};
pub use reply::Reply;
