//! `completions`: a completion script for a shell.

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;

/// Which shell.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let command = &mut crate::CommandLine::<super::Command>::command();
    // Into memory first: clap panics where the reader of a pipe, such as `head`, has closed it.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "kiln", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
