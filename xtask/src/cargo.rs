//! Other packages of the workspace, built and run by cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

/// Arguments that another package parses.
#[derive(clap::Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct Passed {
    /// Arguments of the command; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    pub(crate) arguments: Vec<OsString>,
}

/// Builds a package with a profile and runs its program on the runs in `runs`.
pub(crate) fn run(
    profile: &str,
    package: &str,
    runs: &Path,
    passed: &Passed,
) -> anyhow::Result<ExitCode> {
    let mut command = cargo(&["run", "--profile", profile, "--quiet", "--package", package, "--"]);
    let status = command.arg("--runs").arg(runs).args(&passed.arguments).status();
    let code = status.with_context(|| format!("cannot run cargo for {package}"))?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds packages.
pub(crate) fn build(packages: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo(&["build", "--release", "--quiet"]);
    command.args(packages.iter().flat_map(|package| ["--package", package]));
    ensure!(command.status()?.success(), "cannot build {}", packages.join(" and "));
    Ok(())
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The folder that cargo builds into: this program is in `<folder>/release`.
pub(crate) fn target_folder() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.ancestors().nth(2).map_or_else(|| root().join("target"), Path::to_owned)
}

/// The cargo that started this program, or the one on the path.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}
