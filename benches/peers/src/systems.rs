//! The programs that train, each in a fresh process and on the same images.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use run::{Evaluation, RunDirectory, read_json};

use crate::python::{Python, TENSORFLOW};
use crate::results::Measured;

/// The programs, and the images that all of them get.
pub(crate) struct Systems<'a> {
    /// The program `kiln`; see [`build_kiln`].
    pub(crate) kiln: PathBuf,
    pub(crate) python: &'a Measured<Python>,
    /// A temporary folder with the images as IDX files; kiln's runs are written below it.
    pub(crate) folder: &'a Path,
    /// The same images, as a value of kiln's `--data`.
    pub(crate) data: &'a str,
    /// Images used of each part; 0 means all.
    pub(crate) limit: usize,
}

/// A training script of `benches/peers`, and the packages that it imports.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) file: &'static str,
    packages: &'static [&'static str],
}

pub(crate) const KERAS: Script =
    Script { file: "keras_train.py", packages: &["keras", TENSORFLOW] };
pub(crate) const TORCH: Script = Script { file: "torch_train.py", packages: &["torch"] };

/// Builds the program `kiln` with the profile of this program, and returns its path: cargo puts it beside this program.
pub(crate) fn build_kiln(root: &Path) -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    // Each profile has a folder of its name.
    let folder = program.parent().and_then(Path::file_name).unwrap_or_default();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--package", "kiln", "--profile"])
        .arg(folder)
        .current_dir(root);
    ensure!(cargo.status().context("cannot run cargo")?.success(), "cannot build kiln");
    Ok(program.with_file_name(format!("kiln{}", std::env::consts::EXE_SUFFIX)))
}

impl Systems<'_> {
    /// A command of kiln on a run of these measurements.
    pub(crate) fn kiln(&self, command: &str, run: &str) -> Command {
        let mut kiln = Command::new(&self.kiln);
        kiln.args([command, "--run", run, "--offline", "--runs"]).arg(self.runs());
        kiln
    }

    /// A command of kiln that trains.
    pub(crate) fn kiln_training(&self, command: &str, run: &str) -> Command {
        let mut kiln = self.kiln(command, run);
        kiln.args(["--data", self.data]);
        // All images is the default, and a recipe may have a limit of its own.
        if self.limit > 0 {
            kiln.args(["--limit", &self.limit.to_string()]);
        }
        kiln
    }

    /// A command that trains a peer.
    pub(crate) fn peer(&self, script: Script, epochs: usize) -> Measured<Command> {
        let python = self.python.as_ref().map_err(Clone::clone)?;
        python.require(script.packages)?;
        let mut command = python.script(script.file);
        command.arg(self.folder).args([epochs.to_string(), self.limit.to_string()]);
        Ok(command)
    }

    /// The run that kiln wrote under this name.
    pub(crate) fn run(&self, name: &str) -> Measured<RunDirectory> {
        RunDirectory::open(&self.runs(), Some(name)).map_err(|error| error.to_string())
    }

    /// The evaluation of that run.
    pub(crate) fn evaluation(&self, name: &str) -> Measured<Evaluation> {
        read_json(&self.run(name)?.evaluation()).map_err(|error| error.to_string())
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }
}
