//! The front door of kiln: parses the command line and calls one function of each stage, in order.
//!
//! Unlike most xtasks this one links the crates and calls them, because the pipeline is the product.

mod bench_peers;
mod cli;
mod compare;
mod console;
mod evaluate;
mod export_onnx;
mod fetch;
mod goal;
mod pipeline;
mod predict;
mod recipe;
mod report;
mod serve;
mod session;
mod soak;
mod study;
mod train;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};

/// Training allocates and frees the same large tensors in every step; mimalloc keeps their pages, the system's
/// allocator hands them back to the kernel each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) if serve_lite::is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Pipeline(args) => pipeline::run(&cli.runs, args),
        Command::Fetch(args) => fetch::run(args),
        Command::Train(args) => train::run(&cli.runs, args),
        Command::Evaluate(args) => evaluate::run(&cli.runs, args),
        Command::ExportOnnx(args) => export_onnx::run(&cli.runs, args),
        Command::Verify(args) => verify::run(&cli.runs, args),
        Command::Predict(args) => predict::run(&cli.runs, args),
        Command::Serve(args) => serve::run(&cli.runs, args),
        Command::Report(args) => report::run(&cli.runs, args),
        Command::Compare(args) => compare::run(&cli.runs, args),
        Command::Study(args) => study::run(&cli.runs, args),
        Command::BenchPeers(args) => bench_peers::run(&cli.runs, args),
        Command::Soak(args) => soak::run(&cli.runs, args),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "xtask", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}
