//! Invalid input is an error that names the file and the remedy, and leaves no incomplete file behind.

use std::path::Path;
use std::process::Command;

use crate::support::{fail, finished, fresh_runs, kiln};

#[test]
fn invalid_data_leaves_no_run_behind() {
    let runs = fresh_runs("bad-data");
    let folder = runs.join("images");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("train-images-idx3-ubyte"), b"not images").unwrap();
    for data in ["/nonexistent/folder", folder.to_str().unwrap()] {
        let message = fail(kiln(&runs).args(["pipeline", "--data", data]));
        assert!(message.contains(data), "{message}");
    }
    assert_eq!(entries(&runs), ["images"]);
}

#[test]
fn invalid_settings_are_errors_that_name_the_setting() {
    let runs = fresh_runs("bad-settings");
    let file = runs.join("config.toml");
    std::fs::write(&file, "epoch = 3\n").unwrap();
    let message = fail(kiln(&runs).args(["train", "--config"]).arg(&file));
    assert!(message.contains("epoch") && message.contains("config.toml"), "{message}");
    for (flag, value) in [
        ("--epochs", "0"),
        ("--batch-size", "0"),
        ("--learning-rate", "nan"),
        ("--val-fraction", "1"),
        ("--width", "100000"),
        ("--threads", "0"),
    ] {
        let output =
            kiln(&runs).args(["train", "--data", "synthetic", flag, value]).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(flag) && message.contains(value), "{message}");
    }
    let message = fail(kiln(&runs).args(["train", "--run", "../escape", "--data", "synthetic"]));
    assert!(message.contains("../escape"), "{message}");
    assert_eq!(entries(&runs), ["config.toml"]);
}

/// Each setting is within its range, and together they would take terabytes.
#[test]
fn a_network_that_does_not_fit_into_memory_is_refused_before_anything_is_allocated() {
    let runs = fresh_runs("memory");
    let args = ["train", "--data", "synthetic", "--width", "1024", "--hidden", "16384"];
    let message = fail(kiln(&runs).args(args).args(["--batch-size", "65536"]));
    assert!(message.contains("GB") && message.contains("--width"), "{message}");
    assert_eq!(entries(&runs), [""; 0]);
}

#[test]
fn a_diverging_run_is_an_error_that_names_the_learning_rate() {
    let runs = fresh_runs("diverge");
    let args = ["--data", "synthetic", "--limit", "300", "--learning-rate", "1e30"];
    let message = fail(kiln(&runs).arg("train").args(args));
    assert!(message.contains("learning rate"), "{message}");
}

#[test]
fn a_full_disk_is_an_error_and_complete_files_are_kept() {
    let runs = fresh_runs("full-disk");
    // A limit on the size of files simulates a full disk: writes beyond a megabyte fail, and a checkpoint has fourteen.
    // The signal of the limit is ignored, since a full disk sends none.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(env!("CARGO_BIN_EXE_kiln")).arg("--runs").arg(&runs);
    let message =
        fail(command.args(["train", "--run", "full", "--data", "synthetic", "--limit", "100"]));
    assert!(message.contains("cannot write") && message.contains("free space"), "{message}");
    assert_eq!(entries(&runs.join("full").join("checkpoints")), [""; 0]);
    assert_eq!(run::read_metrics(&runs.join("full").join("metrics.csv")).unwrap().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let message =
        fail(kiln(Path::new("/proc/runs")).args(["train", "--data", "synthetic", "--limit", "10"]));
    assert!(message.contains("/proc/runs"), "{message}");
}

#[test]
fn commands_without_a_run_say_how_to_train_one() {
    let runs = fresh_runs("none");
    for command in ["evaluate", "export-onnx", "verify", "report"] {
        let message = fail(kiln(&runs).arg(command));
        assert!(message.contains("the command `train`"), "{command}: {message}");
    }
    let message = fail(kiln(&runs).args(["predict", "x.png"]));
    assert!(message.contains("the command `train`"), "{message}");
}

#[test]
fn a_run_whose_data_changed_is_not_evaluated() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    let copy = runs.join("moved");
    if copy.exists() {
        std::fs::remove_dir_all(&copy).unwrap();
    }
    let copied = Command::new("cp").arg("-r").arg(&run.path).arg(&copy).status().unwrap();
    assert!(copied.success());
    let dataset = run::RunDirectory { path: copy }.dataset();
    let text = std::fs::read_to_string(&dataset).unwrap();
    std::fs::write(&dataset, text.replacen("\"sha256\": \"", "\"sha256\": \"00", 1)).unwrap();
    let message = fail(kiln(runs).args(["evaluate", "--run", "moved"]));
    assert!(message.contains("SHA-256"), "{message}");
}

fn entries(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<_> = match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(name).collect(),
        Err(_) => Vec::new(),
    };
    names.retain(|name| !name.starts_with('.') && name != "latest");
    names.sort();
    names
}
