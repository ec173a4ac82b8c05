//! The peers that live in Python: an environment of their own, their scripts, and workers that wait
//! for a line and answer with one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Measured;
use crate::console;

/// TensorFlow, under the one name that stands for all the names of its packages.
pub(super) const TENSORFLOW: &str = "tensorflow";
/// Lines at the end of standard error that say why a script failed: Python's last is its exception.
const QUOTED_LINES: usize = 2;
/// Longest quotation in the table, in characters.
const QUOTED_LENGTH: usize = 300;

/// An interpreter and what it has.
pub(super) struct Python {
    interpreter: PathBuf,
    /// The folder `benches/peers`.
    scripts: PathBuf,
    versions: BTreeMap<String, String>,
    /// Why the requirements were not installed, where they were to be.
    not_installed: Option<String>,
}

impl Python {
    /// The interpreter at `given`, or that of `target/peers-venv`, which is made and brought up to
    /// date first unless `offline`.
    pub(super) fn find(root: &Path, given: Option<&Path>, offline: bool) -> Measured<Self> {
        let scripts = root.join("benches").join("peers");
        let environment = root.join("target").join("peers-venv");
        let interpreter =
            given.map_or_else(|| environment.join("bin").join("python"), Path::to_owned);
        let not_installed = match given {
            Some(_) => None,
            None => install(&environment, &interpreter, &scripts, offline).err(),
        };
        let mut python = Self { interpreter, scripts, versions: BTreeMap::new(), not_installed };
        let said = output(&mut python.script("versions.py"));
        let said = said.map_err(|reason| python.not_installed.clone().unwrap_or(reason))?;
        python.versions = versions(&said.stdout);
        Ok(python)
    }

    /// The version of a package, where it is installed.
    pub(super) fn version(&self, package: &str) -> Option<&str> {
        self.versions.get(package).map(String::as_str)
    }

    /// Fails, in words, unless all packages are installed.
    pub(super) fn require(&self, packages: &[&str]) -> Measured<()> {
        let Some(missing) = packages.iter().find(|package| self.version(package).is_none()) else {
            return Ok(());
        };
        Err(match &self.not_installed {
            Some(reason) => reason.clone(),
            None => format!(
                "this Python has no {missing}: install what benches/peers/requirements.txt names"
            ),
        })
    }

    /// A command that runs one of the scripts in `benches/peers`.
    pub(super) fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        // CPUs are compared, also where a GPU is at hand. Compiled scripts would litter the
        // repository.
        command.env("CUDA_VISIBLE_DEVICES", "-1").env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg(self.scripts.join(name));
        command
    }
}

/// Makes the environment where there is none, and installs what is missing.
fn install(environment: &Path, interpreter: &Path, scripts: &Path, offline: bool) -> Measured<()> {
    if offline {
        let hint = "without --offline it would be made";
        return if interpreter.exists() {
            Ok(())
        } else {
            Err(format!("there is no environment in target/peers-venv: {hint}"))
        };
    }
    if !interpreter.exists() {
        console::notice("making target/peers-venv for the peers: a download of some gigabytes");
        output(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    let requirements = scripts.join("requirements.txt");
    output(Command::new(interpreter).args(pip).arg(requirements))
        .map(|_| ())
        .map_err(|reason| format!("installing benches/peers/requirements.txt failed: {reason}"))
}

/// Lines of name and version; any of TensorFlow's packages counts as TensorFlow.
fn versions(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('\t'));
    pairs
        .map(|(name, version)| {
            let name = if name.starts_with(TENSORFLOW) { TENSORFLOW } else { name };
            (name.to_owned(), version.to_owned())
        })
        .collect()
}

/// What a program that succeeded wrote.
pub(super) struct Said {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program to its end.
pub(super) fn output(command: &mut Command) -> Measured<Said> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
    let program = program.to_string_lossy();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program} does not start: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        return Ok(Said { stdout, stderr });
    }
    Err(format!("{program} ended with {}: {}", output.status, tail(&stderr)))
}

/// The last words of what a program wrote on standard error.
fn tail(stderr: &str) -> String {
    let lines: Vec<_> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(QUOTED_LINES)..].join(" / ");
    let skipped = last.chars().count().saturating_sub(QUOTED_LENGTH);
    if last.is_empty() {
        "it said nothing".to_owned()
    } else {
        last.chars().skip(skipped).collect()
    }
}

/// A process that answers lines, so that its start is paid once. It ends with this value.
pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    answers: BufReader<ChildStdout>,
    errors: File,
}

impl Worker {
    /// Starts a worker and waits until it says `ready`.
    pub(super) fn start(mut command: Command) -> Measured<Self> {
        let failed = |error| format!("a worker does not start: {error}");
        // A file takes any amount of warnings; an unread pipe would stop the worker when full.
        let errors = tempfile::tempfile().map_err(failed)?;
        let stderr = errors.try_clone().map_err(failed)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().map_err(failed)?;
        let (Some(input), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a worker has no pipes".to_owned());
        };
        let mut worker = Self { child, input, answers: BufReader::new(stdout), errors };
        match worker.answer()?.as_str() {
            "ready" => Ok(worker),
            other => Err(format!("a worker said '{other}' instead of 'ready'")),
        }
    }

    /// Says a line, waits for the answer.
    pub(super) fn ask(&mut self, line: &str) -> Measured<String> {
        match writeln!(self.input, "{line}").and_then(|()| self.input.flush()) {
            Ok(()) => self.answer(),
            Err(_) => Err(self.last_words()),
        }
    }

    fn answer(&mut self) -> Measured<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(1..) => Ok(line.trim_end().to_owned()),
            _ => Err(self.last_words()),
        }
    }

    fn last_words(&mut self) -> String {
        let _ = self.child.wait();
        let mut text = String::new();
        let _ = self.errors.rewind().and_then(|()| self.errors.read_to_string(&mut text));
        format!("a worker ended: {}", tail(&text))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_worker_answers_every_line() {
        let echo = "echo ready; while read -r line; do echo \"said $line\"; done";
        let mut worker = Worker::start(shell(echo)).unwrap();
        assert_eq!(worker.ask("one two").unwrap(), "said one two");
        assert_eq!(worker.ask("three").unwrap(), "said three");
    }

    #[test]
    fn a_worker_that_dies_leaves_its_last_words() {
        let dies = "echo ready; read -r line; echo warning >&2; echo \"no $line\" >&2; exit 3";
        let mut worker = Worker::start(shell(dies)).unwrap();
        assert_eq!(worker.ask("luck").unwrap_err(), "a worker ended: warning / no luck");
        let unready = Worker::start(shell("echo hello")).err().unwrap();
        assert!(unready.contains("'hello' instead of 'ready'"), "{unready}");
        let silent = Worker::start(shell("exit 1")).err().unwrap();
        assert!(silent.contains("it said nothing"), "{silent}");
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let reason = output(&mut shell("echo why >&2; exit 4")).err().unwrap();
        assert_eq!(reason, "sh ended with exit status: 4: why");
        let absent = output(&mut Command::new("no-such-program")).err().unwrap();
        assert!(absent.starts_with("no-such-program does not start"), "{absent}");
        assert_eq!(output(&mut shell("echo out; echo err >&2")).unwrap().stderr, "err\n");
    }

    #[test]
    fn a_long_quotation_keeps_its_end() {
        let long = format!("{}end", "x".repeat(1000));
        let quoted = tail(&long);
        assert!(quoted.ends_with("xend") && quoted.len() == QUOTED_LENGTH, "{quoted}");
    }

    #[test]
    fn a_package_that_is_missing_is_named() {
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
