//! Programs that run to their end, and workers that answer one line with one line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::results::Measured;

/// Lines at the end of standard error that explain a failure: Python's last line is its exception.
const QUOTED_LINES: usize = 2;
/// Longest quotation in the table, in characters.
const QUOTED_LENGTH: usize = 300;

/// What a program printed.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end; fails unless it succeeds.
pub(crate) fn output(command: &mut Command) -> Measured<Output> {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_owned();
    let program = program.to_string_lossy();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program} does not start: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(Output { stdout, stderr }),
        false => Err(format!("{program} ended with {}: {}", output.status, end_of(&stderr))),
    }
}

/// The last lines that a program wrote to standard error.
fn end_of(stderr: &str) -> String {
    let lines: Vec<_> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(QUOTED_LINES)..].join(" / ");
    if last.is_empty() {
        return "it printed no error".to_owned();
    }
    let skipped = last.chars().count().saturating_sub(QUOTED_LENGTH);
    last.chars().skip(skipped).collect()
}

/// A process that answers one line with one line, so that it starts and loads once. Dropping it ends the process.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    answers: BufReader<ChildStdout>,
    errors: File,
}

impl Worker {
    /// Starts a worker and waits for its line `ready`.
    pub(crate) fn start(mut command: Command) -> Measured<Self> {
        let failed = |error| format!("a worker does not start: {error}");
        // A file takes any amount of warnings; a pipe that nobody reads blocks the worker when it is full.
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
            other => Err(format!("a worker printed '{other}' instead of 'ready'")),
        }
    }

    /// Sends a line and waits for the answer.
    pub(crate) fn ask(&mut self, line: &str) -> Measured<String> {
        match writeln!(self.input, "{line}").and_then(|()| self.input.flush()) {
            Ok(()) => self.answer(),
            Err(_) => Err(self.failure()),
        }
    }

    fn answer(&mut self) -> Measured<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(1..) => Ok(line.trim_end().to_owned()),
            _ => Err(self.failure()),
        }
    }

    /// Why the worker ended.
    fn failure(&mut self) -> String {
        let _ = self.child.wait();
        let mut text = String::new();
        let _ = self.errors.rewind().and_then(|()| self.errors.read_to_string(&mut text));
        format!("a worker ended: {}", end_of(&text))
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
        let echo = "echo ready; while read -r line; do echo \"got $line\"; done";
        let mut worker = Worker::start(shell(echo)).unwrap();
        assert_eq!(worker.ask("one two").unwrap(), "got one two");
        assert_eq!(worker.ask("three").unwrap(), "got three");
    }

    #[test]
    fn the_error_of_a_worker_that_ends_is_quoted() {
        let ends = "echo ready; read -r line; echo warning >&2; echo \"no $line\" >&2; exit 3";
        let mut worker = Worker::start(shell(ends)).unwrap();
        assert_eq!(worker.ask("luck").unwrap_err(), "a worker ended: warning / no luck");
        let unready = Worker::start(shell("echo hello")).err().unwrap();
        assert!(unready.contains("'hello' instead of 'ready'"), "{unready}");
        let silent = Worker::start(shell("exit 1")).err().unwrap();
        assert!(silent.contains("it printed no error"), "{silent}");
    }

    #[test]
    fn the_error_of_a_program_that_fails_is_quoted() {
        let reason = output(&mut shell("echo why >&2; exit 4")).err().unwrap();
        assert_eq!(reason, "sh ended with exit status: 4: why");
        let absent = output(&mut Command::new("no-such-program")).err().unwrap();
        assert!(absent.starts_with("no-such-program does not start"), "{absent}");
        assert_eq!(output(&mut shell("echo out; echo err >&2")).unwrap().stderr, "err\n");
    }

    #[test]
    fn a_long_quotation_keeps_its_end() {
        let quoted = end_of(&format!("{}end", "x".repeat(1000)));
        assert!(quoted.ends_with("xend") && quoted.len() == QUOTED_LENGTH, "{quoted}");
    }
}
