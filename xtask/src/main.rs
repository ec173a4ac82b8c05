//! `cargo xtask`: the commands of kiln, and those that only its developers need.
//!
//! The latter are packages of their own, which cargo builds when they are first called: training does not compile them.

mod cargo;
mod dist;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
enum Command {
    #[command(flatten)]
    Kiln(cli::Command),
    /// Measure kiln beside Keras, PyTorch, ONNX Runtime, stock Burn and stock tract, in one session
    BenchPeers(cargo::Passed),
    /// Measure what `serve-lite serve` promises: speed, faults, overload, reloads, shutdowns
    Soak(cargo::Passed),
    /// Build static programs and put them into an archive, with checksums and completions
    Dist(dist::Args),
}

fn main() -> ExitCode {
    cli::main("cargo xtask", run)
}

fn run(command: &Command, runs: &Path) -> anyhow::Result<ExitCode> {
    match command {
        Command::Kiln(command) => command.run(runs),
        Command::BenchPeers(passed) => cargo::run("dist", "bench-peers", runs, passed),
        Command::Soak(passed) => {
            // Both at once, so that what they share is compiled once.
            cargo::build(&["serve-lite", "soak"])?;
            cargo::run("release", "soak", runs, passed)
        }
        Command::Dist(args) => dist::run(args),
    }
}
