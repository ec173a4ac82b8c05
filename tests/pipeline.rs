//! One command from images to a report, and what each stage promises.

use run::{Agreement, Config, DatasetFacts, Evaluation, RunDirectory, read_json};

use crate::support::{
    SMALL, TINY, bars, copied, exported, fail, finished, fresh_runs, kiln, succeed, untimed_metrics,
};

#[test]
fn pipeline_leaves_every_artefact_and_they_fit_together() {
    let run = finished();
    let config = Config::read(&run.config()).unwrap();
    assert_eq!((config.data.data.as_str(), config.data.limit), ("synthetic", 400));
    assert_eq!(config.training.epochs, 2);
    let metrics = run::read_metrics(&run.metrics()).unwrap();
    assert_eq!(metrics.len(), 2);
    assert!(metrics[1].loss < metrics[0].loss, "the network learned nothing: {metrics:?}");

    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    assert!(facts.synthetic);
    assert_eq!((facts.n_train, facts.n_val, facts.n_test), (400, 400, 400));
    let evaluation: Evaluation = read_json(&run.evaluation()).unwrap();
    let predictions =
        run::read_predictions(&run.predictions(), &evaluation.predictions_sha256).unwrap();
    assert_eq!(predictions.len(), 400);
    let wrong = predictions.iter().filter(|p| p.label != p.predicted).count();
    assert_eq!(evaluation.errors, wrong);
    assert_eq!(evaluation.accuracy, 1.0 - wrong as f64 / 400.0);
    assert_eq!(evaluation.confusion.iter().flatten().sum::<usize>(), 400);
    let agreement: Agreement = read_json(&run.agreement()).unwrap();
    assert_eq!(agreement.n_images, 400);
    assert_eq!(agreement.batches.iter().map(|b| b.batch).collect::<Vec<_>>(), [1, 7, 128]);
    assert!(agreement.holds());
    for name in ["curves", "learning_rate", "grid", "confusion", "mistakes"] {
        for kind in ["png", "svg"] {
            assert!(run.report().join(format!("{name}.{kind}")).is_file(), "{name}.{kind}");
        }
    }
}

#[test]
fn stages_alone_rebuild_all_that_follows_training_from_the_run_directory() {
    let run = finished();
    let runs = fresh_runs("stages");
    let copy = RunDirectory { path: runs.join("copy") };
    std::fs::create_dir_all(&copy.path).unwrap();
    for path in [run.config(), run.dataset(), run.metrics()] {
        std::fs::copy(&path, copy.path.join(path.file_name().unwrap())).unwrap();
    }
    std::fs::create_dir(copy.checkpoints()).unwrap();
    std::fs::copy(run.checkpoints().join("best"), copy.checkpoints().join("best")).unwrap();
    for stage in ["evaluate", "export-onnx", "verify", "report"] {
        succeed(kiln(&runs).args([stage, "--run", "copy"]));
    }
    for (original, rebuilt) in [
        (run.evaluation(), copy.evaluation()),
        (run.predictions(), copy.predictions()),
        (run.onnx(), copy.onnx()),
        (run.agreement(), copy.agreement()),
    ] {
        let same = std::fs::read(&original).unwrap() == std::fs::read(&rebuilt).unwrap();
        assert!(same, "{}", rebuilt.display());
    }
    assert!(copy.report().join("report.html").is_file());
}

#[test]
fn synthetic_digits_are_called_synthetic_in_every_artefact() {
    let run = finished();
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    for path in [
        run.config(),
        run.dataset(),
        run.onnx(),
        run.report().join("report.html"),
        run.report().join("curves.svg"),
    ] {
        assert!(read(path.clone()).contains("synthetic"), "{}", path.display());
    }
    let runs = run.path.parent().unwrap();
    assert!(succeed(kiln(runs).args(["evaluate"])).contains("synthetic"));
}

#[test]
fn a_run_is_a_function_of_its_configuration_whatever_the_threads() {
    let runs = fresh_runs("threads");
    let mut seen = Vec::new();
    for threads in ["1", "2", "3"] {
        let name = format!("threads-{threads}");
        let args = ["train", "--run", &name, "--threads", threads, "--checkpoint", "last"];
        succeed(kiln(&runs).args(args).args(SMALL));
        let run = RunDirectory::open(&runs, Some(&name)).unwrap();
        seen.push((untimed_metrics(&run), exported(&runs, &run)));
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2]);
    succeed(kiln(&runs).args(["train", "--run", "seed", "--seed", "7"]).args(SMALL));
    let other = RunDirectory::open(&runs, Some("seed")).unwrap();
    assert_ne!(seen[0].0, untimed_metrics(&other));
}

#[test]
fn min_accuracy_decides_the_exit_code() {
    let runs = fresh_runs("min-accuracy");
    let budget = ["--data", "synthetic", "--limit", "100", "--epochs", "1"];
    let output = fail(kiln(&runs).args(["pipeline", "--min-accuracy", "0.999"]).args(budget));
    assert!(output.contains("below"), "{output}");
    succeed(kiln(&runs).args(["pipeline", "--min-accuracy", "0.01"]).args(budget));
}

#[test]
fn patience_stops_a_run_that_gets_no_better() {
    let runs = fresh_runs("patience");
    // A step this large makes the loss jump about, so that some epoch soon is no better than the one before.
    let args =
        ["--data", "synthetic", "--limit", "100", "--epochs", "30", "--learning-rate", "0.03"];
    let output = succeed(kiln(&runs).args(["train", "--patience", "1"]).args(args));
    assert!(output.contains("stopped early"), "{output}");
    let rows = run::read_metrics(&RunDirectory::open(&runs, None).unwrap().metrics()).unwrap();
    assert!(rows.len() < 30);
    let [.., before, last] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(last.val_loss >= before.val_loss);
}

#[test]
fn a_configuration_file_is_overridden_by_flags() {
    let runs = fresh_runs("config-file");
    let file = runs.join("small.toml");
    std::fs::write(&file, "epochs = 5\nbatch_size = 50\nlimit = 100\ndata = 'synthetic'\n")
        .unwrap();
    succeed(kiln(&runs).args(["train", "--epochs", "1", "--config"]).arg(&file));
    let run = RunDirectory::open(&runs, None).unwrap();
    let config = Config::read(&run.config()).unwrap();
    let training = config.training;
    assert_eq!((training.epochs, training.batch_size, config.data.limit), (1, 50, 100));
}

#[test]
fn predict_answers_with_the_latest_run() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    let image = run.report().join("grid.png");
    let output = succeed(kiln(runs).args(["predict", "--json"]).arg(image));
    let answer: serde_json::Value = serde_json::from_str(output.lines().next().unwrap()).unwrap();
    let label = answer["label"].as_str().unwrap();
    assert!("0123456789".contains(label), "{output}");
}

/// A run that has just been started, or that failed, does not hide the ones before it.
#[test]
fn the_latest_run_is_the_newest_that_can_do_what_is_asked() {
    let run = copied("latest");
    let runs = run.path.parent().unwrap();
    let data = bars(runs);
    let train = ["train", "--run", "newest", "--epochs", "1", "--data"];
    let output = succeed(kiln(runs).args(train).arg(&data).args(TINY));
    let next = format!("kiln evaluate --runs {} --run newest", runs.display());
    assert!(output.contains(&next), "{output}");
    let image = run.report().join("grid.png");
    let output = kiln(runs).arg("predict").arg(&image).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    for words in ["this is copy", "newest", "ONNX file", "export-onnx"] {
        assert!(message.contains(words), "{message}");
    }
    let message = fail(kiln(runs).args(["predict", "--run", "newest"]).arg(&image));
    assert!(
        message.contains("export-onnx --runs") && message.contains("--run newest"),
        "{message}"
    );
    // A run that failed before its first checkpoint.
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    RunDirectory::create(runs, Some("failed"), &Config::default(), &facts, &[]).unwrap();
    let output = succeed(kiln(runs).args(["evaluate", "--data"]).arg(&data));
    assert!(output.contains("export-onnx") && output.contains("--run newest"), "{output}");
}

#[test]
fn smoke_is_a_flag_of_train_too_and_one_epoch_is_not_epochs() {
    let runs = fresh_runs("smoke");
    let args = ["train", "--smoke", "--data", "synthetic", "--limit", "50"];
    let output = succeed(kiln(&runs).args(args));
    assert!(output.contains("2 epochs"), "{output}");
    let output = succeed(kiln(&runs).args(args).args(["--epochs", "1"]));
    assert!(output.contains("run-2, 1 epoch\n"), "{output}");
}

/// What is printed fits 80 columns, paths and the metadata of the file aside.
#[test]
fn lines_fit_eighty_columns() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    for stage in ["evaluate", "verify"] {
        let output = succeed(kiln(runs).args([stage, "--run", "finished"]));
        let own = output.lines().filter(|line| !line.contains("next: "));
        let long: Vec<_> = own.filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{long:?}");
    }
    let args =
        ["train", "--run", "columns", "--data", "synthetic", "--limit", "50", "--epochs", "1"];
    let output = succeed(kiln(&fresh_runs("columns")).args(args));
    let training = output.lines().filter(|line| line.contains("epoch") || line.contains("Conv"));
    for line in training {
        assert!(line.contains("Training:") || line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn no_command_panics_where_the_reader_has_closed_the_pipe() {
    let run = finished();
    for command in ["completions bash", "help", "report --run finished", "compare finished"] {
        let script = format!(r#""$0" --runs "$1" {command} | true; exit ${{PIPESTATUS[0]}}"#);
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", &script]).arg(env!("CARGO_BIN_EXE_kiln"));
        let output = shell.arg(run.path.parent().unwrap()).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !message.contains("panicked"), "{command}: {message}");
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let run = finished();
    let image = fresh_runs("broken-pipe").join("noise.pgm");
    let grey_levels = crate::export::noise(images::ImageShape::DIGIT, 1, 3);
    std::fs::write(&image, [b"P5 28 28 255\n", grey_levels.as_slice()].concat()).unwrap();
    // A thousand answers are more than a pipe holds, so some meet its closed end.
    let script = r#"kiln=$0; "$kiln" --runs "$@" | true; exit ${PIPESTATUS[0]}"#;
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", script]).arg(env!("CARGO_BIN_EXE_kiln")).arg(run.path.parent().unwrap());
    succeed(
        shell
            .args(["predict", "--run", "finished", "--json", "--prepare", "stretch"])
            .args([&image; 1000]),
    );
}

#[test]
fn no_network_and_no_data_fall_to_synthetic_digits_and_say_so() {
    let runs = fresh_runs("offline");
    let output =
        kiln(&runs).args(["fetch", "--offline"]).env("XDG_CACHE_HOME", &runs).output().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.contains("notice") && output.contains("synthetic") && output.contains("KILN_DATA"),
        "{output}"
    );
}

#[test]
fn people_bring_their_own_images_and_their_folders_name_the_classes() {
    let runs = fresh_runs("own-images");
    let data = runs.join("shapes");
    // Bars and blocks: their size is the network's.
    for (part, n) in [("train", 40), ("test", 10)] {
        for (class, width) in [("bar", 4), ("block <b>", 30)] {
            let folder = data.join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for index in 0..n {
                let inked = |x: usize, y: usize| {
                    (10 + index % 7..10 + index % 7 + width).contains(&x) && (10..40).contains(&y)
                };
                let level = |i: usize| if inked(i % 50, i / 50) { 0 } else { 255 };
                let mut image = b"P5\n50 50\n255\n".to_vec();
                image.extend((0..2500).map(level));
                std::fs::write(folder.join(format!("{index}.pgm")), image).unwrap();
            }
        }
    }
    let data_flag = ["--data", data.to_str().unwrap(), "--min-steps", "150", "--width", "8"];
    succeed(kiln(&runs).args(["pipeline", "--min-accuracy", "1"]).args(data_flag));
    let run = RunDirectory::open(&runs, None).unwrap();
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    assert_eq!((facts.name.as_str(), facts.synthetic), ("shapes", false));
    assert_eq!(facts.classes, ["bar", "block <b>"]);
    let page = std::fs::read_to_string(run.report().join("report.html")).unwrap();
    assert!(page.contains("block &lt;b&gt;") && !page.contains("block <b>"));
    let image = data.join("test/bar/3.pgm");
    let output = succeed(kiln(&runs).args(["predict", "--json"]).arg(image));
    let answer: serde_json::Value = serde_json::from_str(output.trim()).unwrap();
    assert_eq!(answer["label"], "bar", "{output}");
}
