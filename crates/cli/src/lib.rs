//! The command line of kiln, for every program that has its commands: `kiln` itself, and `cargo xtask`.
//!
//! ```text
//! main -> CommandLine -> commands::Command::run -> commands/NAME.rs -> one function of the pipeline crate
//! ```

// A command line prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod commands;
mod console;
mod interrupt;
mod live;
mod progress;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use commands::Command;

/// Training allocates and frees the same large tensors in every step. mimalloc keeps their pages; the system's allocator
/// returns them to the kernel each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From images to a served model, in Rust only.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine<C: Subcommand> {
    #[command(subcommand)]
    command: C,
    /// Folder that holds all runs
    #[arg(long, global = true, value_name = "DIR", default_value = "runs", env = "KILN_RUNS")]
    runs: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  kiln pipeline                        everything, 20 epochs on MNIST
  kiln pipeline --smoke                everything on 2,000 images, in seconds
  kiln pipeline --data ~/fashion       a folder of IDX files, or of train/CLASS/*.png
  kiln pipeline --recipe fast          99 % in seconds; 'regularised' and 'best' take longer and are more accurate
  kiln train --resume                  resume the newest run after a kill or Ctrl-C
  kiln compare run-1 run-2             curves and settings of several runs, side by side
  kiln study article regularised       recipes over five seeds, with a table and a plot
  kiln predict seven.png --show        classify an image with the newest exported run
  kiln serve                           the newest exported run over HTTP; draw at http://127.0.0.1:8000/
  kiln export-onnx --output digit.onnx the newest trained run as one ONNX file

A run is kept in runs/NAME; without --run a command takes the newest that can do what is asked.";

/// Parses the command line of `program`, as a user calls it, and runs the command.
///
/// Exit code 0: success. 1: the command failed, and the error with its causes is on standard error. 2: the command line
/// is not valid. 130: Ctrl-C ended the command.
pub fn main<C: Subcommand>(
    program: &'static str,
    run: fn(&C, &Path) -> anyhow::Result<ExitCode>,
) -> ExitCode {
    console::set_program(program);
    let examples = EXAMPLES.replace("  kiln ", &format!("  {program} "));
    let command = CommandLine::<C>::command().name(program).bin_name(program).after_help(examples);
    let matches = command.get_matches();
    let parsed = CommandLine::<C>::from_arg_matches(&matches);
    let CommandLine { command, runs } = parsed.unwrap_or_else(|error| error.exit());
    match run(&command, &runs) {
        Ok(code) => code,
        // The reader of a pipe, such as `head`, has read enough.
        Err(error) if serve_lite::is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::FAILURE
        }
    }
}
