//! Every recipe through all stages, and the commands that compare recipes.

use std::path::Path;

use run::{Agreement, Config, RunDirectory, read_json};

use crate::support::{exported, fail, fresh_runs, kiln, serve, stop, succeed, untimed_metrics};

const TINY: [&str; 4] = ["--data", "synthetic", "--limit", "300"];

fn recipes() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> =
        paths.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    assert!(names.len() >= 4, "{names:?}");
    names
}

#[test]
fn every_recipe_exports_verifies_and_serves() {
    let runs = fresh_runs("recipes");
    for name in recipes() {
        let args = ["pipeline", "--recipe", &name, "--run", &name, "--epochs", "1"];
        succeed(kiln(&runs).args(args).args(TINY).args(["--warmup-epochs", "0.5"]));
        let run = RunDirectory::open(&runs, Some(&name)).unwrap();
        assert_eq!(Config::read(&run.config()).unwrap().recipe, name);
        let agreement: Agreement = read_json(&run.agreement()).unwrap();
        assert!(agreement.holds() && agreement.n_images == 300, "{name}: {agreement:?}");
        stop(serve(&run.onnx()));
    }
}

#[test]
fn a_network_with_average_pooling_is_exported_and_verified() {
    let runs = fresh_runs("average-pooling");
    let args = ["pipeline", "--pooling", "average", "--epochs", "1"];
    let output = succeed(kiln(&runs).args(args).args(TINY));
    assert!(output.contains("AveragePool 2x2"), "{output}");
    let run = RunDirectory::open(&runs, None).unwrap();
    let onnx = String::from_utf8_lossy(&std::fs::read(run.onnx()).unwrap()).into_owned();
    assert!(onnx.contains("AveragePool") && !onnx.contains("MaxPool"));
    assert!(read_json::<Agreement>(&run.agreement()).unwrap().holds());
}

#[test]
fn the_article_is_the_default() {
    let runs = fresh_runs("recipe-default");
    succeed(kiln(&runs).args(["train", "--run", "plain", "--epochs", "1"]).args(TINY));
    succeed(
        kiln(&runs)
            .args(["train", "--run", "named", "--epochs", "1"])
            .args(TINY)
            .args(["--recipe", "article"]),
    );
    let [plain, named] =
        ["plain", "named"].map(|name| RunDirectory::open(&runs, Some(name)).unwrap());
    let read = |run: &RunDirectory| std::fs::read_to_string(run.config()).unwrap();
    assert_eq!(read(&plain), read(&named));
    let output = fail(kiln(&runs).args(["train", "--recipe", "nonesuch"]));
    assert!(
        output.contains("nonesuch") && output.contains("article") && output.contains("fast"),
        "{output}"
    );
}

/// Everything that moves with the step or is drawn at random: augmentation, schedule, average, statistics, clipping.
#[test]
fn with_everything_on_threads_and_interruptions_change_nothing() {
    let runs = fresh_runs("everything");
    let everything = "
        data = 'synthetic'\nlimit = 600\nepochs = 2\nbatch_size = 50\ncheckpoint = 'last'\n
        rotation = 10.0\nshift = 2.0\nzoom = 0.1\nelastic = 1.0\n
        architecture = 'vgg'\ndepth = 5\nwidth = 8\nbatch_norm = true\n
        schedule = 'one-cycle'\nwarmup_epochs = 0.5\nweight_decay = 0.05\nlabel_smoothing = 0.1\n
        gradient_clip = 1.0\naverage_decay = 0.95\n";
    let one = assert_threads_and_interruptions_change_nothing(&runs, everything);
    let file = runs.join("plain.toml");
    std::fs::write(&file, everything.replace("elastic = 1.0", "elastic = 0.0")).unwrap();
    succeed(kiln(&runs).args(["train", "--run", "plain", "--threads", "2", "--config"]).arg(&file));
    let plain = RunDirectory::open(&runs, Some("plain")).unwrap();
    assert_ne!(untimed_metrics(&one), untimed_metrics(&plain));
}

#[test]
fn with_muon_and_whitening_threads_and_interruptions_change_nothing() {
    let muon = "
        data = 'synthetic'\nlimit = 600\nepochs = 2\nbatch_size = 50\ncheckpoint = 'last'\n
        architecture = 'blocks'\nwhiten = true\nwidth = 16\noptimizer = 'muon'\nweight_decay = 0.05\n";
    assert_threads_and_interruptions_change_nothing(&fresh_runs("muon"), muon);
}

/// Trains by the settings `config` on one thread, on three, and interrupted after an epoch; returns the first run.
fn assert_threads_and_interruptions_change_nothing(runs: &Path, config: &str) -> RunDirectory {
    let file = runs.join("settings.toml");
    std::fs::write(&file, config).unwrap();
    let train = |name: &str, threads: &str| {
        let mut command = kiln(runs);
        command.args(["train", "--run", name, "--threads", threads, "--config"]).arg(&file);
        command
    };
    succeed(&mut train("one", "1"));
    succeed(&mut train("three", "3"));
    let mut child = train("cut", "2").stdout(std::process::Stdio::null()).spawn().unwrap();
    let metrics = RunDirectory { path: runs.join("cut") }.metrics();
    while std::fs::read_to_string(&metrics).unwrap_or_default().lines().count() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    succeed(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]));
    child.wait().unwrap();
    succeed(kiln(runs).args(["train", "--resume", "--run", "cut"]));
    let [one, three, cut] =
        ["one", "three", "cut"].map(|name| RunDirectory::open(runs, Some(name)).unwrap());
    assert_eq!(untimed_metrics(&one), untimed_metrics(&three));
    assert_eq!(untimed_metrics(&one), untimed_metrics(&cut));
    let weights = exported(runs, &one);
    assert!(weights == exported(runs, &three) && weights == exported(runs, &cut));
    one
}

#[test]
fn without_validation_all_images_are_trained_on() {
    let runs = fresh_runs("all-images");
    let refused = fail(kiln(&runs).args(["train", "--val-fraction", "0"]).args(TINY));
    assert!(refused.contains("checkpoint"), "{refused}");
    let args = ["pipeline", "--val-fraction", "0", "--checkpoint", "last", "--epochs", "1"];
    let output = succeed(kiln(&runs).args(args).args(["--data", "synthetic", "--limit", "400"]));
    assert!(output.contains("0 validation"), "{output}");
    let run = RunDirectory::open(&runs, None).unwrap();
    let rows = run::read_metrics(&run.metrics()).unwrap();
    assert_eq!((rows[0].val_loss, rows[0].val_accuracy), (None, None));
}

#[test]
fn a_schedule_that_ends_with_the_run_cannot_be_resumed_with_more_epochs() {
    let runs = fresh_runs("other-schedule");
    succeed(kiln(&runs).args(["train", "--epochs", "1", "--schedule", "cosine"]).args(TINY));
    let output = fail(kiln(&runs).args(["train", "--resume", "--epochs", "2"]));
    assert!(output.contains("epochs"), "{output}");
}

#[test]
fn a_study_writes_its_table_and_goes_on_where_it_stopped() {
    let runs = fresh_runs("study");
    let study = |seeds: &str| {
        let mut command = kiln(&runs);
        command.args(["study", "article", "fast", "--seeds", seeds, "--data", "synthetic"]);
        command.args(["--small", "200", "1"]);
        command
    };
    succeed(&mut study("1"));
    let table = std::fs::read_to_string(runs.join("study/study.csv")).unwrap();
    let weights = std::fs::read(runs.join("study/fast-42/model.onnx")).unwrap();
    let output = succeed(&mut study("2"));
    assert!(
        output.contains("Synthetic digits") && output.contains("`article` to `fast`"),
        "{output}"
    );
    let longer = std::fs::read_to_string(runs.join("study/study.csv")).unwrap();
    assert_eq!((table.lines().count(), longer.lines().count()), (3, 5));
    // Finished runs are not repeated, so their times are unchanged.
    for line in table.lines() {
        assert!(longer.contains(line), "{line}\n{longer}");
    }
    assert!(weights == std::fs::read(runs.join("study/fast-42/model.onnx")).unwrap());
    for name in ["study.md", "study.png", "study.svg"] {
        assert!(runs.join("study").join(name).exists(), "{name}");
    }
    // Other settings under the same name would mix two studies.
    let output = fail(kiln(&runs).args([
        "study",
        "article",
        "--seeds",
        "1",
        "--data",
        "synthetic",
        "--small",
        "100",
        "1",
    ]));
    assert!(output.contains("limit = 200") && output.contains("limit = 100"), "{output}");
}

#[test]
fn choosing_never_looks_at_the_test_set() {
    let runs = fresh_runs("validate");
    let args = ["study", "fast", "--seeds", "1", "--data", "synthetic", "--small", "200", "1"];
    let output = succeed(kiln(&runs).args(args).arg("--validate"));
    assert!(
        output.contains("validation accuracy") && !output.contains("test accuracy"),
        "{output}"
    );
    let run = RunDirectory::open(&runs.join("study"), Some("fast-42")).unwrap();
    assert!(!run.evaluation().exists() && !run.predictions().exists());
}

#[test]
fn runs_are_compared_by_what_differs() {
    let runs = fresh_runs("compare");
    for (name, rate) in [("slow", "0.0001"), ("quick", "0.002")] {
        let args = ["pipeline", "--run", name, "--epochs", "2", "--learning-rate", rate];
        succeed(kiln(&runs).args(args).args(TINY));
    }
    let output = succeed(kiln(&runs).args(["compare", "slow", "quick"]));
    assert!(
        output.contains("learning_rate") && output.contains("0.0001") && output.contains("0.002"),
        "{output}"
    );
    assert!(!output.contains("batch_size"), "{output}");
    for name in ["comparison.png", "comparison.svg", "comparison.html"] {
        assert!(output.contains(name), "{output}");
    }
    fail(kiln(&runs).args(["compare", "slow", "gone"]));
}
