//! `cargo xtask soak`: builds the server, and runs the package that measures it.

use std::path::Path;
use std::process::ExitCode;

use crate::cargo::{self, Passed};

pub(crate) fn run(runs: &Path, passed: &Passed) -> anyhow::Result<ExitCode> {
    // Together, so that both are built with the same features of what they share.
    cargo::build(&["serve-lite", "soak"])?;
    cargo::run("soak", runs, passed)
}
