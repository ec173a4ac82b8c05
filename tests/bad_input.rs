//! Invalid input is an error that names the file and the remedy, and leaves no incomplete file behind.

use std::path::Path;
use std::process::Command;

use run::{Config, DatasetFacts, RunDirectory, read_json};

use crate::support::{TINY, bars, copied, fail, fresh_runs, kiln, refuse, succeed};

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
        let message = refuse(kiln(&runs).args(["train", "--data", "synthetic", flag, value]));
        assert!(message.contains(flag) && message.contains(value), "{message}");
    }
    let message = refuse(kiln(&runs).args(["train", "--epochs", "0"]));
    assert!(message.contains("a whole number from 1 to 100000"), "{message}");
    assert_eq!(entries(&runs), ["config.toml"]);
}

/// The folder of the images does not exist, and that is not what is complained of.
#[test]
fn what_can_be_judged_before_the_images_are_read_is() {
    let runs = fresh_runs("before-data");
    std::fs::create_dir(runs.join("taken")).unwrap();
    let nowhere = ["--data", "/nonexistent/folder"];
    for (args, words) in [
        (&["pipeline", "--min-accuracy", "2"][..], "from 0 to 1"),
        (&["train", "--run", "../escape"], "is not a run name"),
        (&["train", "--epochs", "99999999999"], "from 1 to 100000"),
        (&["train", "--threads", "2000"], "from 1 to 1024"),
        (&["study", "article", "--name", "../escape"], "is not a run name"),
        (&["study", "article", "--seeds", "0"], "from 1 to 1000"),
        (&["train", "--resume", "--config", "some.toml"], "cannot be used with"),
        (&["train", "--resume", "--smoke"], "cannot be used with"),
        (&["check", ".", "--limit", "5"], "leave out --limit"),
        (&["check", ".", "--val-fraction", "0.1"], "leave out --val-fraction"),
    ] {
        let nowhere = if args[0] == "check" { &[][..] } else { &nowhere };
        let message = refuse(kiln(&runs).args(args).args(nowhere));
        assert!(message.contains(words), "{args:?}: {message}");
    }
    for (args, words) in [
        (&["train", "--run", "taken"][..], "already exists"),
        (&["train", "--batch-norm"], "only the network vgg"),
        (&["train", "--depth", "4"], "only the network vgg"),
        (&["train", "--min-delta", "0"], "without patience"),
        (&["train", "--recipe", "best", "--schedule", "constant", "--warmup-epochs", "0"], "floor"),
        (&["study", "article", "--small", "99999999999", "1"], "limit = 99999999999"),
    ] {
        let message = fail(kiln(&runs).args(args).args(nowhere));
        assert!(message.contains(words), "{args:?}: {message}");
    }
    assert_eq!(entries(&runs), ["taken"]);
    assert!(!runs.parent().unwrap().join("escape").exists());
}

#[test]
fn a_study_and_a_run_keep_out_of_each_other() {
    let run = copied("study-names");
    let runs = run.path.parent().unwrap();
    let message = fail(kiln(runs).args(["study", "article", "--name", "copy"]));
    assert!(message.contains("already exists"), "{message}");
    std::fs::create_dir(runs.join("study")).unwrap();
    let message = fail(kiln(runs).args(["train", "--run", "study", "--data", "synthetic"]));
    assert!(message.contains("already exists"), "{message}");
    let message = fail(kiln(runs).args(["evaluate", "--run", "study"]));
    assert!(message.contains("there is no run"), "{message}");
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
fn images_are_known_by_what_they_are_and_not_by_where() {
    let runs = fresh_runs("moved-data");
    let data = bars(&runs);
    let train = ["train", "--run", "a", "--epochs", "1", "--data"];
    succeed(kiln(&runs).args(train).arg(&data).args(TINY));
    let moved = runs.join("elsewhere");
    std::fs::rename(&data, &moved).unwrap();
    let message = fail(kiln(&runs).arg("evaluate"));
    assert!(message.contains("bars") && message.contains("--data"), "{message}");
    succeed(kiln(&runs).args(["evaluate", "--data"]).arg(&moved));
    succeed(kiln(&runs).arg("export-onnx"));
    for stage in ["verify", "report"] {
        succeed(kiln(&runs).args([stage, "--data"]).arg(&moved));
    }
    // Resumed, the run remembers where they are now.
    succeed(kiln(&runs).args(["train", "--resume", "--epochs", "2", "--data"]).arg(&moved));
    succeed(kiln(&runs).arg("evaluate"));

    let image = moved.join("train/lying/0.pgm");
    let mut bytes = std::fs::read(&image).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(image, bytes).unwrap();
    for args in [&["evaluate"][..], &["train", "--resume"]] {
        let message = fail(kiln(&runs).args(args));
        assert!(message.contains("other images") && message.contains("SHA-256"), "{message}");
    }
}

#[test]
fn one_changed_digit_of_a_record_is_noticed() {
    let run = copied("changed-records");
    let runs = run.path.parent().unwrap();
    for (path, stage) in [
        (run.dataset(), "export-onnx"),
        (run.evaluation(), "report"),
        (run.predictions(), "report"),
        (run.explanations(), "report"),
        (run.agreement(), "report"),
        (run.metrics(), "report"),
        (run.metrics(), "evaluate"),
    ] {
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        // The first decimal of the last number: the last of seventeen digits may not change it.
        let digit = 1 + changed.iter().rposition(|&byte| byte == b'.').unwrap();
        changed[digit] = b'0' + (changed[digit] - b'0' + 1) % 10;
        std::fs::write(&path, changed).unwrap();
        let message = fail(kiln(runs).args([stage, "--run", "copy"]));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(message.contains(&name), "{stage}: {message}");
        std::fs::write(&path, whole).unwrap();
    }
    let message = fail(kiln(runs).args(["compare", "copy", "gone"]));
    assert!(message.contains("gone"), "{message}");
    for stage in ["export-onnx", "report"] {
        succeed(kiln(runs).args([stage, "--run", "copy"]));
    }
}

/// Also where the record carries a fitting checksum: the network is what its checkpoint says.
#[test]
fn a_network_is_exported_as_it_was_trained_or_not_at_all() {
    let run = copied("believed-records");
    let runs = run.path.parent().unwrap();
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    let renamed = facts.classes.iter().rev().cloned().collect();
    for (changed, key) in [
        (DatasetFacts { mean: vec![9.0], ..facts.clone() }, "mean"),
        (DatasetFacts { classes: renamed, ..facts.clone() }, "classes"),
    ] {
        run::write_json(&run.dataset(), &changed).unwrap();
        let message = fail(kiln(runs).args(["export-onnx", "--run", "copy"]));
        assert!(message.contains(key), "{message}");
    }
    run::write_json(&run.dataset(), &facts).unwrap();
    let config = std::fs::read_to_string(run.config()).unwrap();
    for (line, words) in [
        ("width = 1000", "width = 32"),
        ("width = 3000", "from 1 to 1024"),
        ("hidden = 99999999999", "from 1 to 16384"),
        ("learning_rate = 0.5", "learning_rate = 0.001"),
        ("widht = 32", "did you mean 'width'?"),
    ] {
        let key = line.split(' ').next().unwrap().replace("widht", "width");
        let change =
            |old: &str| if old.starts_with(&format!("{key} =")) { line } else { old }.to_owned();
        let changed: Vec<_> = config.lines().map(change).collect();
        std::fs::write(run.config(), changed.join("\n")).unwrap();
        let message = fail(kiln(runs).args(["export-onnx", "--run", "copy"]));
        assert!(message.contains(words) && !message.contains("damaged"), "{line}: {message}");
    }
    std::fs::write(run.config(), config).unwrap();
    succeed(kiln(runs).args(["export-onnx", "--run", "copy"]));
}

#[test]
fn an_export_replaces_only_regular_files_and_makes_no_folders() {
    let run = copied("export-output");
    let runs = run.path.parent().unwrap();
    let export = |output: &Path| {
        let mut command = kiln(runs);
        command.args(["export-onnx", "--run", "copy", "--output"]).arg(output);
        command
    };
    let pipe = runs.join("pipe");
    succeed(Command::new("mkfifo").arg(&pipe));
    for path in [pipe.as_path(), Path::new("/dev/null"), runs] {
        let message = fail(&mut export(path));
        assert!(message.contains("not a regular file"), "{message}");
    }
    let message = fail(&mut export(&runs.join("no/model.onnx")));
    assert!(message.contains("does not exist"), "{message}");
    let deep = runs.join("no/repository");
    let message = fail(export(&deep).args(["--layout", "triton"]));
    assert!(message.contains("does not exist") && !runs.join("no").exists(), "{message}");
    succeed(&mut export(&runs.join("model.onnx")));
    succeed(export(&runs.join("repository")).args(["--layout", "triton"]));
}

/// As on a read-only file system: nothing of the run is written. The superuser may write anywhere, so its file is marked
/// immutable where the system can.
#[test]
fn a_run_that_cannot_be_written_is_exported_elsewhere() {
    let run = copied("read-only");
    let runs = run.path.parent().unwrap();
    let lock = run.path.join(".lock");
    std::fs::remove_file(&lock).unwrap();
    let immutable = |flag: &str| {
        Command::new("chattr")
            .arg(flag)
            .arg(&run.path)
            .status()
            .is_ok_and(|status| status.success())
    };
    let mut permissions = std::fs::metadata(&run.path).unwrap().permissions();
    let writable = permissions.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(&run.path, permissions).unwrap();
    let is_immutable = immutable("+i");
    let mut export = kiln(runs);
    let output = export.args(["export-onnx", "--run", "copy", "--output"]).arg(runs.join("m.onnx"));
    let output = output.output().unwrap();
    let is_read_only = std::fs::write(&lock, "").is_err();
    if is_immutable {
        immutable("-i");
    }
    std::fs::set_permissions(&run.path, writable).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if !is_read_only {
        eprintln!("this user can write to any folder of this system, so nothing was tested");
    }
}

#[test]
fn a_run_that_is_removed_while_it_trains_is_an_error_and_not_made_again() {
    let runs = fresh_runs("removed");
    let args =
        ["train", "--run", "gone", "--data", "synthetic", "--limit", "2000", "--epochs", "9"];
    let child = kiln(&runs).args(args).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let run = RunDirectory { path: runs.join("gone") };
    while !run.last_checkpoint().exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::fs::remove_dir_all(&run.path).unwrap();
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("does not exist"), "{message}");
    assert!(!run.path.exists());
}

#[test]
fn an_unknown_setting_is_named_with_the_one_that_was_meant() {
    let runs = fresh_runs("unknown-setting");
    let file = runs.join("mine.toml");
    std::fs::write(&file, "epochs = 1\nwidht = 3\n").unwrap();
    let message = fail(kiln(&runs).args(["train", "--config"]).arg(&file));
    for words in ["mine.toml", "line 2", "'widht'", "did you mean 'width'?"] {
        assert!(message.contains(words), "{message}");
    }
    assert!(!message.contains("train again"), "{message}");
    assert!(Config::from_toml("epochs = 1\nwidht = 3\n").is_err());
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
