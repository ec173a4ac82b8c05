//! The Python interpreter of the peers, their packages and their scripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::console;
use crate::process;
use crate::results::Measured;

/// The package that represents all packages of TensorFlow.
pub(crate) const TENSORFLOW: &str = "tensorflow";

/// A Python interpreter and its packages.
pub(crate) struct Python {
    interpreter: PathBuf,
    /// The folder `benches/peers`.
    scripts: PathBuf,
    versions: BTreeMap<String, String>,
    /// Why the requirements could not be installed.
    not_installed: Option<String>,
}

impl Python {
    /// The interpreter at `given`, or that of `target/peers-venv`, which is created and updated first unless `offline`.
    pub(crate) fn find(root: &Path, given: Option<&Path>, offline: bool) -> Measured<Self> {
        let scripts = root.join("benches").join("peers");
        let environment = root.join("target").join("peers-venv");
        let interpreter =
            given.map_or_else(|| environment.join("bin").join("python"), Path::to_owned);
        let not_installed = match given {
            Some(_) => None,
            None => install(&environment, &interpreter, &scripts, offline).err(),
        };
        let mut python = Self { interpreter, scripts, versions: BTreeMap::new(), not_installed };
        let listed = process::output(&mut python.script("versions.py"))
            .map_err(|reason| python.not_installed.clone().unwrap_or(reason))?;
        python.versions = versions(&listed.stdout);
        Ok(python)
    }

    /// The version of an installed package.
    pub(crate) fn version(&self, package: &str) -> Option<&str> {
        self.versions.get(package).map(String::as_str)
    }

    /// Fails unless all packages are installed.
    pub(crate) fn require(&self, packages: &[&str]) -> Measured<()> {
        let Some(missing) = packages.iter().find(|package| self.version(package).is_none()) else {
            return Ok(());
        };
        Err(self.not_installed.clone().unwrap_or_else(|| {
            format!("this Python has no {missing}: install benches/peers/requirements.txt")
        }))
    }

    /// A command that runs a script of `benches/peers`.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        // CPUs are compared, even where there is a GPU. Compiled scripts would litter the repository.
        command.env("CUDA_VISIBLE_DEVICES", "-1").env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(self.scripts.join(name));
        command
    }
}

/// Creates the environment if there is none, and installs what is missing.
fn install(environment: &Path, interpreter: &Path, scripts: &Path, offline: bool) -> Measured<()> {
    if offline {
        return match interpreter.exists() {
            true => Ok(()),
            false => Err("target/peers-venv does not exist: run once without --offline".to_owned()),
        };
    }
    if !interpreter.exists() {
        console::notice("creating target/peers-venv for the peers: downloads some gigabytes");
        process::output(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    let requirements = scripts.join("requirements.txt");
    process::output(Command::new(interpreter).args(pip).arg(requirements))
        .map(|_| ())
        .map_err(|reason| format!("cannot install benches/peers/requirements.txt: {reason}"))
}

/// Parses lines of name and version; any of TensorFlow's packages counts as TensorFlow.
fn versions(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('\t'));
    let name = |name: &str| if name.starts_with(TENSORFLOW) { TENSORFLOW } else { name }.to_owned();
    pairs.map(|(package, version)| (name(package), version.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_missing_package_is_named() {
        let python = |not_installed| Python {
            interpreter: PathBuf::new(),
            scripts: PathBuf::new(),
            versions: versions("keras\t3.15.1\ntensorflow-cpu\t2.21.0\n"),
            not_installed,
        };
        assert_eq!(python(None).version(TENSORFLOW), Some("2.21.0"));
        python(None).require(&["keras", TENSORFLOW]).unwrap();
        assert!(python(None).require(&["keras", "torch"]).unwrap_err().contains("no torch"));
        let failed = python(Some("pip failed".to_owned()));
        assert_eq!(failed.require(&["torch"]).unwrap_err(), "pip failed");
    }
}
