//! Pages in a real browser. The server's is drawn on by mouse, finger and keyboard, and compared with the server's
//! answers; reports are looked at on a phone, a tablet and a desk.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{finished, kiln, python, serve, succeed};

/// What a Chromium may be called.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

#[test]
fn the_page_does_in_a_browser_what_it_promises() {
    let browser = browser();
    let server = serve(&finished().onnx());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/page.py");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let mut check = Command::new(python());
    check
        .arg(script)
        .arg(format!("http://{}/", server.address))
        .arg(screenshots)
        .arg("--browser")
        .arg(browser);
    let passed = succeed(&mut check);
    // The script does not mention checks that it did not reach.
    let n_checks = include_str!("python/page.py").matches("    def check_").count();
    assert_eq!(passed.lines().filter(|line| line.starts_with("ok ")).count(), n_checks, "{passed}");
}

#[test]
fn reports_fit_a_phone_a_tablet_and_a_desk_in_light_and_dark() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    let names = ["finished", "a-second-run-with-quite-a-long-name-42", "all"];
    // Settings that differ, one of them without a place to break.
    for (name, setting) in [(names[1], "--conv-dropout"), (names[2], "--label-smoothing")] {
        let copy = runs.join(name);
        if copy.exists() {
            std::fs::remove_dir_all(&copy).unwrap();
        }
        let train = ["train", "--data", "synthetic", "--limit", "200", "--epochs", "2"];
        succeed(kiln(runs).args(train).args(["--run", name, setting, "0.015625"]));
        succeed(kiln(runs).args(["evaluate", "--run", name]));
    }
    succeed(kiln(runs).arg("compare").args(names));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/report.py");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-pages");
    let pages =
        [run.report().join("report.html"), run::comparison_folder(runs).join("comparison.html")];
    let mut check = Command::new(python());
    let faults = succeed(check.arg(script).arg(screenshots).arg(browser()).args(pages));
    assert_eq!(faults, "");
}

fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let all = BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("no Chromium on PATH (looked for {BROWSERS:?}): install it, e.g. apt-get install chromium")
    })
}
