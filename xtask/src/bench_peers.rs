//! `cargo xtask bench-peers`: the package in `benches/peers`.

use std::path::Path;
use std::process::ExitCode;

use crate::cargo::{self, Passed};

pub(crate) fn run(runs: &Path, passed: &Passed) -> anyhow::Result<ExitCode> {
    cargo::run("bench-peers", runs, passed)
}
