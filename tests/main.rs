//! The whole house, tested from outside: one binary, one module a concern.
//!
//! `cargo test --release` runs these and every crate's own tests. Commands are run as a user runs them, on
//! small synthetic data; where `KILN_DATA` names a folder with MNIST, real data is used too.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

mod bad_input;
mod bench_peers;
mod evaluation;
mod export;
mod faults;
mod images;
mod invariants;
mod own_images;
mod page;
mod pipeline;
mod real_mnist;
mod recipes;
mod reimport;
mod resume;
mod serving;
mod support;
mod watching;
