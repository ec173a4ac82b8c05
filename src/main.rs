//! `kiln`: from images to a served model, in Rust alone.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main("kiln", cli::Command::run)
}
