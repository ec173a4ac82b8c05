//! A disk that fails, a disk that is full, and SIGKILL, at every file operation of a stage in turn: what a stage leaves is
//! whole or absent, and the same command or `--resume` ends as if nothing had happened.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use run::RunDirectory;

use crate::support::{TINY, bars, fresh_runs, kiln, succeed, untimed_metrics};

/// What happens at an operation; see `faults.c`.
const KINDS: [&str; 3] = ["kill", "eio", "enospc"];
/// Operations of a stage that are tried, spread over all of them.
const TRIED: usize = 8;

#[test]
fn training_survives_a_fault_at_any_file_operation() {
    let folder = fresh_runs("faults-train");
    let data = bars(&folder);
    let train = |runs: &Path| {
        let mut command = kiln(runs);
        command.args(["train", "--run", "a", "--epochs", "2", "--threads", "1"]).args(TINY);
        command.arg("--data").arg(&data);
        command
    };
    let whole = folder.join("whole");
    let n = count(&mut train(&whole), &whole);
    assert!(n > 30, "{n} operations: the library does not see them");
    let expected = untimed_metrics(&named(&whole));
    let weights = exported(&whole);
    for (at, kind) in faults(n, n) {
        let runs = folder.join(format!("{kind}-{at}"));
        let mut command = train(&runs);
        check_end(&faulted(&mut command, &runs, kind, at), kind, at);
        if named(&runs).path.exists() {
            succeed(kiln(&runs).args(["train", "--resume", "--run", "a", "--threads", "1"]));
        } else {
            succeed(&mut train(&runs));
        }
        assert_eq!(untimed_metrics(&named(&runs)), expected, "{kind} at {at}");
        assert!(exported(&runs) == weights, "{kind} at {at}: other weights");
        assert_eq!(hidden(&runs), ["a/.lock", ".lock"], "{kind} at {at}");
        std::fs::remove_dir_all(&runs).unwrap();
    }
}

#[test]
fn later_stages_leave_whole_files_or_none_and_can_be_repeated() {
    let runs = fresh_runs("faults-stages");
    let data = bars(&runs);
    let args = ["pipeline", "--run", "a", "--epochs", "1", "--data"];
    succeed(kiln(&runs).args(args).arg(&data).args(TINY));
    let run = named(&runs);
    for (stage, outputs) in [
        ("evaluate", vec![run.evaluation(), run.predictions(), run.explanations()]),
        ("export-onnx", vec![run.onnx()]),
        ("verify", vec![run.agreement()]),
        ("report", files(&run.report())),
    ] {
        assert!(!outputs.is_empty());
        let stage = || {
            let mut command = kiln(&runs);
            command.args([stage, "--run", "a"]);
            command
        };
        let n = count(&mut stage(), &runs);
        let expected: Vec<_> = outputs.iter().map(|path| std::fs::read(path).unwrap()).collect();
        for (at, kind) in faults(n, TRIED) {
            for path in &outputs {
                std::fs::remove_file(path).unwrap();
            }
            check_end(&faulted(&mut stage(), &runs, kind, at), kind, at);
            for (path, expected) in outputs.iter().zip(&expected) {
                let left = std::fs::read(path).ok();
                let is_whole = left.is_none_or(|left| left == *expected);
                assert!(is_whole, "{} after {kind} at {at}", path.display());
            }
            succeed(&mut stage());
            for (path, expected) in outputs.iter().zip(&expected) {
                assert!(std::fs::read(path).unwrap() == *expected, "{}", path.display());
            }
            assert_eq!(hidden(&runs), ["a/.lock", ".lock"], "{kind} at {at}");
        }
    }
}

/// Which operations of `n` fail and how: `tried` of them, the kinds in turn; where all are tried, killed at each too.
fn faults(n: usize, tried: usize) -> Vec<(usize, &'static str)> {
    if tried == n {
        return (1..=n).flat_map(|at| [(at, KINDS[0]), (at, KINDS[1 + at % 2])]).collect();
    }
    let at = |index: usize| 1 + index * (n - 1) / (tried - 1);
    (0..tried.min(n)).map(|index| (at(index), KINDS[index % KINDS.len()])).collect()
}

/// Runs a command that must succeed; returns how many file operations it makes below `folder`.
fn count(command: &mut Command, folder: &Path) -> usize {
    let counter = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fault-count");
    let output = injected(command, folder).env("FAULT_COUNT", &counter).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(counter).unwrap().trim().parse().unwrap()
}

fn faulted(command: &mut Command, folder: &Path, kind: &str, at: usize) -> Output {
    let command = injected(command, folder).env("FAULT_KIND", kind);
    command.env("FAULT_AT", at.to_string()).output().unwrap()
}

fn injected<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command.env("LD_PRELOAD", library()).env("FAULT_FOLDER", folder)
}

/// A stage that fails says what; none panics, and none is killed by anything else.
fn check_end(output: &Output, kind: &str, at: usize) {
    let message = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => {}
        Some(1) => assert!(message.contains("error: "), "{kind} at {at}: {message}"),
        None => assert_eq!(kind, "kill", "at {at}: {message}"),
        Some(code) => panic!("{kind} at {at}: exit code {code}: {message}"),
    }
}

/// `faults.c`, compiled.
fn library() -> &'static PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("libfaults.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        succeed(&mut compiler);
        library
    })
}

fn named(runs: &Path) -> RunDirectory {
    RunDirectory { path: runs.join("a") }
}

/// The bytes of the exported network.
fn exported(runs: &Path) -> Vec<u8> {
    let file = runs.join("exported.onnx");
    succeed(kiln(runs).args(["export-onnx", "--run", "a", "--output"]).arg(&file));
    std::fs::read(file).unwrap()
}

/// Files and folders whose names begin with a dot, in the folder of runs and in the run, sorted by depth.
fn hidden(runs: &Path) -> Vec<String> {
    let run = named(runs);
    let folders =
        [(run.checkpoints(), "a/checkpoints/"), (run.report(), "a/report/"), (run.path, "a/")];
    let mut found = Vec::new();
    for (folder, prefix) in folders.iter().chain(&[(runs.to_owned(), "")]) {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // The next training removes what a kill has left of `latest`.
        let names = names.filter(|name| name.starts_with('.') && !name.starts_with(".latest."));
        found.extend(names.map(|name| format!("{prefix}{name}")));
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
