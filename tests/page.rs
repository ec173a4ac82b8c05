//! The server's page in a real browser: drawn on by mouse, finger and keyboard, and held against the server's answers.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{binary, finished, succeed};

/// Drives the browser; it brings none of its own.
const PLAYWRIGHT: &str = "playwright==1.65.2";
/// What a Chromium may be called.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Ended with the test, however it ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_page_does_in_a_browser_what_it_promises() {
    let browser = browser();
    let mut serve = Command::new(binary("serve-lite"));
    serve.arg("serve").arg(finished().onnx()).args(["--port", "0"]);
    serve.env_remove("SERVE_LITE_TOKEN").stdout(Stdio::piped());
    let mut server = Server(serve.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let (_, url) = line.trim_end().split_once(" at ").unwrap_or_else(|| panic!("{line:?}"));

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/page.py");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let mut check = Command::new(python());
    check.arg(script).arg(url).arg(screenshots).arg("--browser").arg(browser);
    let passed = succeed(&mut check);
    // The script says nothing of what it did not come to.
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

/// Python with Playwright, in an environment of its own below `target`.
fn python() -> PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-page");
    let python = venv.join("bin/python");
    if !python.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PLAYWRIGHT];
    succeed(Command::new(&python).args(pip));
    python
}
