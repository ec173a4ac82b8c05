//! The server's page in a real browser: it is drawn on by mouse, finger and keyboard, and compared with the server's
//! answers.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{finished, python, serve, succeed};

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

fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let all = BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("no Chromium on PATH (looked for {BROWSERS:?}): install it, e.g. apt-get install chromium")
    })
}
