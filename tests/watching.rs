//! What a run shows of itself: the live page, augmented images, suspect labels, and figures of rare classes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use run::{Evaluation, HeldOut, RunDirectory, read_json, read_suspects};

use crate::support::{TINY, bars, fail, fresh_runs, kiln, signal, succeed, untimed_metrics};

/// What the live page answers to a request with this path and host.
fn get(port: u16, path: &str, host: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n").unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn the_live_page_follows_a_run_in_training() {
    let runs = fresh_runs("live");
    let data = bars(&runs);
    let mut train = kiln(&runs);
    train.args(["train", "--run", "watched", "--epochs", "100000", "--live", "0"]).args(TINY);
    let mut child = train.arg("--data").arg(&data).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.find(|line| line.as_ref().unwrap().contains("live at")).unwrap().unwrap();
    let (_, port) = line.trim_end_matches('/').rsplit_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    // The rest is read so that the program never waits for its reader.
    let reader = std::thread::spawn(move || lines.count());
    // A client that says nothing holds nobody up.
    let silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let start = Instant::now();
    let page = loop {
        let page = get(port, "/", "127.0.0.1");
        if page.contains("<svg") {
            break page;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{page}");
        std::thread::sleep(Duration::from_millis(20));
    };
    for text in ["HTTP/1.1 200 OK", "<h1>watched</h1>", "of 100,000", "validation", "no-store"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let svg = get(port, "/curves.svg", "localhost");
    assert!(svg.contains("image/svg+xml") && svg.contains("Training curves"), "{svg}");
    assert!(get(port, "/", "evil.example").starts_with("HTTP/1.1 403"));
    assert!(get(port, "/config.toml", "localhost").starts_with("HTTP/1.1 404"));
    drop(silent);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the page ends with the program");
    reader.join().unwrap();
}

#[test]
fn a_live_page_changes_nothing_and_a_busy_port_is_said_before_training() {
    let runs = fresh_runs("live-port");
    let data = bars(&runs);
    let train = |name: &str, more: &[&str]| {
        let mut command = kiln(&runs);
        command.args(["train", "--run", name, "--epochs", "3", "--data"]).arg(&data);
        command.args(TINY).args(more);
        command
    };
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let message = fail(&mut train("busy", &["--live", &port]));
    assert!(message.contains(&port) && message.contains("0 for a free one"), "{message}");
    assert!(!runs.join("busy").exists());
    succeed(&mut train("plain", &[]));
    succeed(&mut train("live", &["--live", "0"]));
    let metrics = |name: &str| untimed_metrics(&RunDirectory { path: runs.join(name) });
    assert_eq!(metrics("plain"), metrics("live"));
}

/// Bars of which only a few lie, and one lying bar of the test set is labelled upright.
fn rare(folder: &Path) -> PathBuf {
    let data = bars(folder);
    for copy in 0..55 {
        let upright = data.join("train/upright");
        std::fs::copy(
            upright.join(format!("{}.pgm", copy % 5)),
            upright.join(format!("c{copy}.pgm")),
        )
        .unwrap();
    }
    std::fs::copy(data.join("test/lying/1.pgm"), data.join("test/upright/wrong.pgm")).unwrap();
    data
}

#[test]
fn rare_classes_and_wrong_labels_are_noticed() {
    let runs = fresh_runs("rare");
    let data = rare(&runs);
    let pipeline = |name: &str, weights: &str| {
        let mut command = kiln(&runs);
        command.args(["pipeline", "--run", name, "--epochs", "30", "--stratify", "--flip"]);
        command.args(["--width", "4", "--hidden", "16", "--batch-size", "8", "--class-weights"]);
        let output = command.arg(weights).arg("--data").arg(&data).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        assert!(output.status.success(), "{out}\n{err}");
        (out, err)
    };
    let (out, err) = pipeline("plain", "none");
    assert!(err.contains("imbalanced") && err.contains("--class-weights balanced"), "{err}");
    assert!(out.contains("balanced accuracy") && out.contains("macro F1"), "{out}");
    let (_, err) = pipeline("balanced", "balanced");
    assert!(err.contains("imbalanced") && !err.contains("--class-weights"), "{err}");
    let [plain, balanced] =
        ["plain", "balanced"].map(|name| RunDirectory { path: runs.join(name) });
    assert_ne!(untimed_metrics(&plain), untimed_metrics(&balanced));
    let evaluation: Evaluation = read_json(&balanced.evaluation()).unwrap();
    // Two of two lying bars, two of three upright ones.
    let balanced_accuracy = evaluation.balanced_accuracy.unwrap();
    assert_eq!(evaluation.errors, 1);
    assert!((balanced_accuracy - 5.0 / 6.0).abs() < 1e-12, "{balanced_accuracy}");

    let suspects = read_suspects(&balanced.suspects()).unwrap();
    assert_eq!(suspects.len(), 1, "{suspects:?}");
    let wrong = &suspects[0];
    assert_eq!(
        (wrong.part, wrong.label.as_str(), wrong.predicted.as_str()),
        (HeldOut::Test, "upright", "lying")
    );
    assert_eq!(wrong.index, 4, "after lying 0, 1 and upright 0, 1");
    for name in ["suspects", "augmentation"] {
        assert!(balanced.report().join(format!("{name}.png")).is_file(), "{name}");
    }
    let page = std::fs::read_to_string(balanced.report().join("report.html")).unwrap();
    assert!(page.contains("id=\"suspects\"") && page.contains("id=\"augmentation\""));
}

#[test]
fn augmented_images_are_drawn_before_the_first_epoch() {
    let runs = fresh_runs("augmentation");
    let data = bars(&runs);
    for (name, more) in [("with", &["--rotation", "10"][..]), ("without", &[])] {
        let args = ["train", "--run", name, "--recipe", "article", "--epochs", "1", "--data"];
        succeed(kiln(&runs).args(args).arg(&data).args(TINY).args(more));
        let report = RunDirectory { path: runs.join(name) }.report();
        assert_eq!(report.join("augmentation.svg").is_file(), name == "with");
    }
}
