//! `serve-lite`: runs an ONNX image classifier on the CPU, without the code that trains it.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{bench, completions, info, predict, serve};

const EXAMPLES: &str = "\
Examples:
  serve-lite predict model.onnx 3.png photo.jpg      classify image files
  serve-lite predict --show model.onnx 3.png         also draw the network's input
  serve-lite predict --json model.onnx t10k-images-idx3-ubyte.gz | head -1
  serve-lite serve model.onnx                        answer over HTTP, with a page to draw on
  serve-lite info model.onnx                         show inputs, outputs, classes and metadata
  serve-lite bench model.onnx --batch 64             measure throughput on one thread

Exit status: 0 on success, 1 if anything failed, 2 if the command line is wrong.";

/// Runs an ONNX image classifier on the CPU.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Predict(predict::Args),
    Serve(Box<serve::Args>),
    Info(info::Args),
    Bench(bench::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Predict(args) => predict::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Completions(args) => completions::run::<Cli>(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) if serve_lite::is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = serve_lite::printable(&format!("{error:#}"));
            anstream::eprintln!("\x1b[1;31merror:\x1b[0m {line}");
            ExitCode::FAILURE
        }
    }
}
