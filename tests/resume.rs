//! A run that was killed, interrupted or damaged ends with the same weights as one that was not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use run::RunDirectory;

use crate::support::{exported, fail, fresh_runs, kiln, succeed, untimed_metrics};

/// Long enough to be interrupted in the middle, short enough to wait for. The last weights are compared.
const BUDGET: [&str; 10] = [
    "--data",
    "synthetic",
    "--limit",
    "2000",
    "--epochs",
    "3",
    "--batch-size",
    "50",
    "--checkpoint",
    "last",
];

#[test]
fn resume_after_kill_9_gives_the_uninterrupted_run_bit_for_bit() {
    let runs = fresh_runs("kill");
    succeed(kiln(&runs).args(["train", "--run", "whole"]).args(BUDGET));
    let mut child = start(&runs, "killed");
    wait_for_rows(&runs, "killed", 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = RunDirectory::open(&runs, Some("killed")).unwrap();
    assert!(
        run::read_metrics(&killed.metrics()).unwrap().len() < 3,
        "the run had finished before it was killed"
    );
    succeed(kiln(&runs).args(["train", "--resume", "--run", "killed"]));
    assert_same(&runs, "whole", "killed");
}

#[test]
fn interrupt_writes_a_checkpoint_in_the_middle_of_an_epoch() {
    let runs = fresh_runs("interrupt");
    succeed(kiln(&runs).args(["train", "--run", "whole"]).args(BUDGET));
    let mut child = start(&runs, "interrupted");
    wait_for_rows(&runs, "interrupted", 1);
    std::thread::sleep(Duration::from_millis(150));
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let output = succeed(kiln(&runs).args(["train", "--resume", "--run", "interrupted"]));
    assert!(output.contains("resuming after epoch"), "{output}");
    assert_same(&runs, "whole", "interrupted");
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before_with_a_notice() {
    let runs = fresh_runs("damaged");
    succeed(kiln(&runs).args(["train", "--run", "whole"]).args(BUDGET));
    let whole = RunDirectory::open(&runs, Some("whole")).unwrap();
    let weights = exported(&runs, &whole);
    let metrics = untimed_metrics(&whole);
    let last = whole.last_checkpoint();
    let intact = std::fs::read(&last).unwrap();
    for damage in [flip_one_bit, cut, empty] {
        std::fs::write(&last, damage(&intact)).unwrap();
        let finished = kiln(&runs).args(["train", "--resume"]).output().unwrap();
        let output = String::from_utf8_lossy(&finished.stderr);
        assert!(finished.status.success(), "{output}");
        assert!(output.contains("damaged") && output.contains("previous"), "{output}");
        assert_eq!(untimed_metrics(&whole), metrics);
        assert_eq!(exported(&runs, &whole), weights);
    }
    // Without an intact one there is nothing to continue from: an error, not a new start.
    for path in [last, whole.previous_checkpoint()] {
        std::fs::write(path, b"kilnck02").unwrap();
    }
    let output = fail(kiln(&runs).args(["train", "--resume"]));
    assert!(output.contains("damaged"), "{output}");
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused() {
    let runs = fresh_runs("other-configuration");
    let budget = ["--data", "synthetic", "--limit", "100", "--epochs", "1"];
    succeed(kiln(&runs).args(["train"]).args(budget));
    let output = fail(kiln(&runs).args(["train", "--resume", "--learning-rate", "0.5"]));
    assert!(
        output.contains("learning_rate") && output.contains("0.001") && output.contains("0.5"),
        "{output}"
    );
    succeed(kiln(&runs).args(["train", "--resume", "--epochs", "2"]));
    let run = RunDirectory::open(&runs, None).unwrap();
    assert_eq!(run::read_metrics(&run.metrics()).unwrap().len(), 2);
}

#[test]
fn a_second_process_is_kept_out_of_a_run() {
    let runs = fresh_runs("second");
    let mut child = start(&runs, "busy");
    wait_for_rows(&runs, "busy", 1);
    let again = fail(kiln(&runs).args(["train", "--run", "busy"]).args(BUDGET));
    assert!(again.contains("already holds a run"), "{again}");
    let resumed = fail(kiln(&runs).args(["train", "--resume", "--run", "busy"]));
    assert!(resumed.contains("in use"), "{resumed}");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn start(runs: &Path, name: &str) -> Child {
    let mut command = kiln(runs);
    command.args(["train", "--run", name]).args(BUDGET).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Waits until `metrics.csv` has `n` whole rows.
fn wait_for_rows(runs: &Path, name: &str, n: usize) {
    let path = RunDirectory { path: runs.join(name) }.metrics();
    let started = Instant::now();
    while std::fs::read_to_string(&path).unwrap_or_default().matches('\n').count() <= n {
        assert!(started.elapsed() < Duration::from_secs(120), "no row after two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn assert_same(runs: &Path, a: &str, b: &str) {
    let [a, b] = [a, b].map(|name| RunDirectory::open(runs, Some(name)).unwrap());
    assert_eq!(untimed_metrics(&a), untimed_metrics(&b));
    assert!(exported(runs, &a) == exported(runs, &b), "the weights differ");
}

fn flip_one_bit(bytes: &[u8]) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    damaged[bytes.len() / 2] ^= 1;
    damaged
}

fn cut(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() - 1].to_vec()
}

fn empty(_: &[u8]) -> Vec<u8> {
    Vec::new()
}
