//! `kiln`: from images to a served model, in Rust only.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main("kiln", cli::Command::run)
}
