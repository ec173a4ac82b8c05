//! Bad input ends in one sentence that names the file and the remedy, and leaves nothing half-written.

use std::path::Path;
use std::process::Command;

use crate::support::{binary, fail, finished, fresh_runs, xtask};

#[test]
fn bad_data_leaves_no_run_behind() {
    let runs = fresh_runs("bad-data");
    let folder = runs.join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("train-images-idx3-ubyte"), b"not pictures").unwrap();
    for data in ["/nonexistent/folder", folder.to_str().unwrap()] {
        let said = fail(xtask(&runs).args(["pipeline", "--data", data]));
        assert!(said.contains(data), "{said}");
    }
    assert_eq!(entries(&runs), ["pictures"]);
}

#[test]
fn bad_settings_are_refused_by_name() {
    let runs = fresh_runs("bad-settings");
    let file = runs.join("config.toml");
    std::fs::write(&file, "epoch = 3\n").unwrap();
    let said = fail(xtask(&runs).args(["train", "--config"]).arg(&file));
    assert!(said.contains("epoch") && said.contains("config.toml"), "{said}");
    for (flag, value) in [
        ("--epochs", "0"),
        ("--batch-size", "0"),
        ("--learning-rate", "nan"),
        ("--val-fraction", "1"),
    ] {
        let said = fail(xtask(&runs).args(["train", "--data", "synthetic", flag, value]));
        assert!(said.contains(&flag[2..].replace('-', "_")), "{said}");
    }
    let said = fail(xtask(&runs).args(["train", "--run", "../escape", "--data", "synthetic"]));
    assert!(said.contains("../escape"), "{said}");
    assert_eq!(entries(&runs), ["config.toml"]);
}

#[test]
fn a_diverging_run_is_an_error_that_names_the_learning_rate() {
    let runs = fresh_runs("diverge");
    let args = ["--data", "synthetic", "--limit", "300", "--learning-rate", "1e30"];
    let said = fail(xtask(&runs).arg("train").args(args));
    assert!(said.contains("learning rate"), "{said}");
}

#[test]
fn a_disk_that_takes_no_more_is_an_error_and_keeps_what_was_whole() {
    let runs = fresh_runs("full-disk");
    // A limit on the size of files stands in for a full disk: writes beyond a megabyte fail, and a checkpoint has
    // fourteen. The signal that comes with it is ignored, as it does not come from a disk.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(binary("xtask")).arg("--runs").arg(&runs);
    let said =
        fail(command.args(["train", "--run", "full", "--data", "synthetic", "--limit", "100"]));
    assert!(said.contains("cannot write") && said.contains("free space"), "{said}");
    assert_eq!(entries(&runs.join("full").join("checkpoints")), [""; 0]);
    assert_eq!(run::read_metrics(&runs.join("full").join("metrics.csv")).unwrap().len(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let said = fail(xtask(Path::new("/proc/runs")).args([
        "train",
        "--data",
        "synthetic",
        "--limit",
        "10",
    ]));
    assert!(said.contains("/proc/runs"), "{said}");
}

#[test]
fn commands_without_a_run_say_how_to_make_one() {
    let runs = fresh_runs("none");
    for command in ["evaluate", "export-onnx", "verify", "report"] {
        let said = fail(xtask(&runs).arg(command));
        assert!(said.contains("cargo xtask train"), "{command}: {said}");
    }
    let said = fail(xtask(&runs).args(["predict", "x.png"]));
    assert!(said.contains("cargo xtask train"), "{said}");
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
    let said = fail(xtask(runs).args(["evaluate", "--run", "moved"]));
    assert!(said.contains("SHA-256"), "{said}");
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
