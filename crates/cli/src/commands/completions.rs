//! `completions`: a completion script for a shell.

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
    clap_complete::generate(args.shell, command, "kiln", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
