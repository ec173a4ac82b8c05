//! The server and Triton's own client, and the command that serves the latest run.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::support::{binary, finished, real_mnist, succeed, xtask};

/// How long a server may take to be ready, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of its own, stopped when the test is over.
struct Server {
    child: Child,
    url: String,
    /// `mnist version 1`
    serves: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.args(["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).ok();
            sender.send(line).ok();
        });
        let line = ready.recv_timeout(PATIENCE).unwrap_or_default();
        let mut server = Self { child, url: String::new(), serves: String::new() };
        let (serves, url) =
            line.trim_end().split_once(" at ").unwrap_or_else(|| panic!("not ready: {line:?}"));
        (server.serves, server.url) = (serves.to_owned(), url.to_owned());
        server
    }

    fn of(model: &Path) -> Self {
        let mut command = Command::new(binary("serve-lite"));
        Self::start(command.arg("serve").arg(model).env_remove("SERVE_LITE_TOKEN"))
    }

    /// Asks it to end, as a service manager does, and checks that it does so in good order.
    fn end(mut self) {
        let id = self.child.id().to_string();
        succeed(Command::new("kill").args(["-s", "TERM", &id]));
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn triton_s_client_gets_the_answers_of_onnx_runtime_in_every_form() {
    let run = finished();
    let server = Server::of(&run.onnx());
    assert_eq!(server.serves, "mnist version 1");
    let mut check = triton_client(&server, &run.onnx());
    if let Some(mnist) = real_mnist() {
        let pictures = mnist.join("t10k-images-idx3-ubyte.gz");
        let mut predict = Command::new(binary("serve-lite"));
        let said = succeed(predict.args(["predict", "--json"]).arg(run.onnx()).arg(&pictures));
        assert_eq!(said.lines().count(), 10_000);
        let predictions = Path::new(env!("CARGO_TARGET_TMPDIR")).join("predictions.jsonl");
        std::fs::write(&predictions, said).unwrap();
        check.arg(pictures).arg(predictions);
    }
    let passed = succeed(&mut check);
    // The script says nothing of what it did not come to.
    for check in ["sync: load", "aio: load", "aio: 64 callers"] {
        assert!(passed.contains(check), "{passed}");
    }
    assert_eq!(passed.contains("10000 of 10000"), real_mnist().is_some(), "{passed}");
    server.end();
}

#[test]
fn the_latest_run_is_served_by_one_command() {
    let run = finished();
    let runs = run.onnx().parent().and_then(Path::parent).unwrap().to_owned();
    let name = run.name();
    for more in [&[][..], &["--run", name.as_str()], &["--name", "digits"]] {
        let server = Server::start(xtask(&runs).arg("serve").args(more));
        let name = if more.contains(&"--name") { "digits" } else { "mnist" };
        assert_eq!(server.serves, format!("{name} version 1"));
        server.end();
    }
}

fn triton_client(server: &Server, model: &Path) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/triton_client.py");
    let mut command = Command::new(python());
    command.arg(script).arg(&server.url).arg(model);
    command
}

/// Python with the pinned client and ONNX Runtime, in an environment of its own below `target`.
fn python() -> PathBuf {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python-triton");
    let python = venv.join("bin/python");
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/requirements.txt");
    if !python.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    succeed(Command::new(&python).args(pip).arg(requirements));
    python
}
