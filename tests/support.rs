//! The commands under test, and a small finished run that many tests use.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use run::{EpochMetrics, RunDirectory};
use serve_client::ServerProcess;

/// A budget that trains in seconds: synthetic digits, two epochs.
pub(crate) const SMALL: [&str; 6] = ["--data", "synthetic", "--limit", "400", "--epochs", "2"];

/// `kiln`, built from this tree.
pub(crate) fn kiln(runs: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
    command.arg("--runs").arg(runs).env_remove("KILN_DATA").env_remove("KILN_RUNS");
    command
}

/// A program of another package of the workspace. Cargo builds it first.
pub(crate) fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        cargo_build("xtask serve-lite bench-peers", &mut Command::new(env!("CARGO")), &[]);
        let test = std::env::current_exe().unwrap();
        test.parent().unwrap().parent().unwrap().to_owned()
    });
    folder.join(name)
}

/// Builds packages into the folder the tests run from, by a command that may carry more than that.
pub(crate) fn cargo_build(packages: &str, cargo: &mut Command, more: &[&str]) {
    cargo.args(["build", "--release", "--quiet"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(packages.split(' ').flat_map(|package| ["--package", package])).args(more);
    assert!(cargo.status().unwrap().success());
}

/// What another runtime says: a program that reads images and writes little-endian float32 numbers.
pub(crate) fn answers(program: &mut Command, pixels: &[u8]) -> Vec<f32> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(pixels).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    output.stdout.chunks_exact(4).map(number).collect()
}

/// Python with what the tests' scripts import, in an environment of its own below `target`.
pub(crate) fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python");
        let python = venv.join("bin/python");
        let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/requirements.txt");
        if !python.exists() {
            succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        }
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        succeed(Command::new(&python).args(pip).arg(requirements));
        python
    })
}

/// A server on a free port, for a model file.
pub(crate) fn serve(model: &Path) -> ServerProcess {
    start_server(Command::new(binary("serve-lite")).arg("serve").arg(model))
}

/// A server on a free port, by any command that starts one.
pub(crate) fn start_server(command: &mut Command) -> ServerProcess {
    ServerProcess::start(command.env_remove("SERVE_LITE_TOKEN")).unwrap()
}

/// Stops a server as a service manager does, and checks that it exits with status 0.
pub(crate) fn stop(mut server: ServerProcess) {
    server.signal("TERM").unwrap();
    let start = Instant::now();
    while server.exit_status().is_none() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the server does not stop: {}",
            server.log_tail()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.exit_status().unwrap().code(), Some(0));
}

/// An empty folder for the runs of one test.
pub(crate) fn fresh_runs(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Ten training and four test images of two classes, upright and lying bars, in a new folder `bars`: a stage on them takes
/// no time.
pub(crate) fn bars(folder: &Path) -> PathBuf {
    let data = folder.join("bars");
    for (part, n) in [("train", 5), ("test", 2)] {
        for (class, is_upright) in [("upright", true), ("lying", false)] {
            let folder = data.join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for index in 0..n {
                let level = |at: usize| {
                    let (row, column) = (at / 28, at % 28);
                    let (along, across) = if is_upright { (row, column) } else { (column, row) };
                    let thick = 10 + index..14 + index;
                    if (4..24).contains(&along) && thick.contains(&across) { 255 } else { 0 }
                };
                let mut image = b"P5\n28 28\n255\n".to_vec();
                image.extend((0..28 * 28).map(level));
                std::fs::write(folder.join(format!("{index}.pgm")), image).unwrap();
            }
        }
    }
    data
}

/// Flags for a network that trains on [`bars`] in no time.
pub(crate) const TINY: [&str; 6] = ["--batch-size", "5", "--width", "1", "--hidden", "2"];

/// Sends a signal, such as `INT`.
pub(crate) fn signal(child: &std::process::Child, name: &str) {
    succeed(Command::new("kill").args([format!("-{name}"), child.id().to_string()]));
}

/// A copy of [`finished`] that a test may change.
pub(crate) fn copied(test: &str) -> RunDirectory {
    let runs = fresh_runs(test);
    succeed(Command::new("cp").arg("-r").arg(&finished().path).arg(runs.join("copy")));
    RunDirectory { path: runs.join("copy") }
}

/// A pipeline that has run on the small budget.
pub(crate) fn finished() -> &'static RunDirectory {
    static FINISHED: OnceLock<RunDirectory> = OnceLock::new();
    FINISHED.get_or_init(|| {
        let runs = fresh_runs("finished");
        succeed(kiln(&runs).args(["pipeline", "--run", "finished"]).args(SMALL));
        RunDirectory::open(&runs, None).unwrap()
    })
}

/// Runs a command that must succeed.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}\n{status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Runs a command that must fail with exit code 1, without a panic; returns its standard error.
#[track_caller]
pub(crate) fn fail(command: &mut Command) -> String {
    fail_with(1, command)
}

/// Runs a command line that is not valid, which must fail with exit code 2; returns its standard error.
#[track_caller]
pub(crate) fn refuse(command: &mut Command) -> String {
    fail_with(2, command)
}

#[track_caller]
fn fail_with(code: i32, command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(code), "{command:?}\n{stdout}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr.into_owned()
}

/// The metrics of a run without their time columns, which no two runs share.
pub(crate) fn untimed_metrics(run: &RunDirectory) -> Vec<EpochMetrics> {
    let untimed = |row| EpochMetrics { seconds: 0.0, images_per_second: 0.0, ..row };
    run::read_metrics(&run.metrics()).unwrap().into_iter().map(untimed).collect()
}

/// The bytes of a run's exported network: weights, configuration hash and all.
pub(crate) fn exported(runs: &Path, run: &RunDirectory) -> Vec<u8> {
    succeed(kiln(runs).args(["export-onnx", "--run", &run.name()]));
    std::fs::read(run.onnx()).unwrap()
}

/// The folder with real MNIST, where there is one.
pub(crate) fn real_mnist() -> Option<PathBuf> {
    std::env::var_os("KILN_DATA").map(PathBuf::from)
}
