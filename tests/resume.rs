//! A run that was killed, interrupted or damaged ends with the same weights as one that was not.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use run::RunDirectory;

use crate::support::{
    TINY, bars, exported, fail, fresh_runs, kiln, refuse, signal, succeed, untimed_metrics,
};

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
    signal(&child, "INT");
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
        std::fs::write(path, b"kilnck03").unwrap();
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
fn what_a_resumed_run_may_change_is_what_changes_no_epoch() {
    let runs = fresh_runs("resume-rules");
    let data = bars(&runs);
    let args = ["train", "--run", "three", "--epochs", "3", "--data"];
    succeed(kiln(&runs).args(args).arg(&data).args(TINY));
    let resume = |args: &[&str]| {
        let mut command = kiln(&runs);
        command.args(["train", "--resume"]).args(args);
        command
    };
    for (args, words) in [
        (["--width", "16"], "width = 1"),
        (["--epochs", "1"], "3 epochs"),
        (["--seed", "7"], "seed = 42"),
    ] {
        let message = fail(&mut resume(&args));
        assert!(message.contains(words) && !message.contains("damaged"), "{message}");
    }
    let run = RunDirectory::open(&runs, None).unwrap();
    assert_eq!(run::Config::read(&run.config()).unwrap().training.epochs, 3);
    for ignored in [["--config", "any.toml"], ["--recipe", "fast"]] {
        assert!(refuse(&mut resume(&ignored)).contains("cannot be used with"));
    }
    succeed(&mut resume(&["--epochs", "4", "--patience", "2"]));
    assert_eq!(run::read_metrics(&run.metrics()).unwrap().len(), 4);

    let all =
        ["train", "--run", "all", "--epochs", "1", "--val-fraction", "0", "--checkpoint", "last"];
    succeed(kiln(&runs).args(all).args(TINY).arg("--data").arg(&data));
    succeed(&mut resume(&["--run", "all", "--val-fraction", "0"]));
}

/// Ctrl-C in every stage of a pipeline: it ends at once, says how to go on, and that works.
#[test]
fn every_stage_ends_within_a_second_of_ctrl_c_and_can_be_gone_on_with() {
    let runs = fresh_runs("stages-interrupted");
    let budget = ["--data", "synthetic", "--limit", "1500", "--epochs", "1"];
    // What is printed before evaluation, parity and the report begin.
    for (stage, line) in
        [("evaluation", "epoch 1/1"), ("parity", "Parity"), ("report", "batch 128")]
    {
        let mut command = kiln(&runs);
        command.args(["pipeline", "--run", stage]).args(budget);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|text| text.unwrap().contains(line)), "{stage} never began");
        let signalled = Instant::now();
        signal(&child, "INT");
        let status = child.wait().unwrap();
        let seconds = signalled.elapsed().as_secs_f64();
        let mut message = String::new();
        child.stderr.take().unwrap().read_to_string(&mut message).unwrap();
        assert_eq!(status.code(), Some(130), "{stage}: {message}");
        assert!(seconds < 1.0, "{stage} took {seconds} s to end");
        let remedy = format!("pipeline --resume --runs {} --run {stage}", runs.display());
        assert!(message.contains(&remedy), "{stage}: {message}");
    }
    let output = succeed(kiln(&runs).args(["pipeline", "--resume", "--run", "evaluation"]));
    assert!(output.contains("report.html"), "{output}");
}

#[test]
fn a_second_ctrl_c_ends_training_at_once_and_the_run_is_still_sound() {
    let runs = fresh_runs("twice");
    let mut child = start(&runs, "twice");
    wait_for_rows(&runs, "twice", 1);
    signal(&child, "INT");
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    succeed(kiln(&runs).args(["train", "--resume", "--run", "twice"]));
}

#[test]
fn a_study_passes_ctrl_c_on_and_goes_on_where_it_stopped() {
    let runs = fresh_runs("study-interrupted");
    let study = || {
        let mut command = kiln(&runs);
        command.args([
            "study",
            "fast",
            "--seeds",
            "1",
            "--data",
            "synthetic",
            "--small",
            "1000",
            "3",
        ]);
        command
    };
    let mut child = study().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let run = RunDirectory { path: runs.join("study/fast-42") };
    while !run.last_checkpoint().exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!run.is_locked(), "the stage goes on");
    assert!(run::read_metrics(&run.metrics()).unwrap().len() < 3);
    succeed(&mut study());
}

#[test]
fn a_second_process_is_kept_out_of_a_run() {
    let runs = fresh_runs("second");
    let mut child = start(&runs, "busy");
    wait_for_rows(&runs, "busy", 1);
    let again = fail(kiln(&runs).args(["train", "--run", "busy"]).args(BUDGET));
    assert!(again.contains("already exists") && again.contains("--resume"), "{again}");
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
