//! The real program, serving a small model on its own port.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serve_client::blocking::Connection;
use serve_client::requests::{binary, get};
use serve_client::{Metrics, Reply, ServerProcess};
use tempfile::TempDir;
use tract_onnx::pb::ModelProto;

use crate::models::bytes;

/// How long [`eventually`] waits.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// A server, killed when the test is over.
pub(crate) struct TestServer {
    process: ServerProcess,
    folder: TempDir,
}

impl TestServer {
    pub(crate) fn start(model: &ModelProto, flags: &[&str]) -> Self {
        Self::start_with(model, flags, &[])
    }

    pub(crate) fn start_with(
        model: &ModelProto,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.onnx"), bytes(model)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_serve-lite"));
        command
            .current_dir(folder.path())
            .env_remove("SERVE_LITE_TOKEN")
            .envs(variables.iter().copied());
        let process =
            ServerProcess::start(command.args(["serve", "model.onnx"]).args(flags)).unwrap();
        Self { process, folder }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address).unwrap()
    }

    /// The reply to a request on a new connection.
    #[track_caller]
    pub(crate) fn ask(&self, request: &[u8]) -> Reply {
        self.connect().exchange(request).unwrap()
    }

    /// The logits of images, from a request that must succeed.
    #[track_caller]
    pub(crate) fn logits(&self, images: &[u8]) -> Vec<f32> {
        let (_, mut tensors) = self.ask(&binary(images)).tensors().unwrap();
        tensors.swap_remove(0)
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.folder.path().join("model.onnx")
    }

    /// Replaces the model's file, in one step.
    pub(crate) fn replace_model(&self, bytes: &[u8]) {
        let new = self.folder.path().join("new.onnx");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, self.model()).unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended, which it must do soon.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        eventually("the server ends", || self.exit_status().is_some());
        self.exit_status().unwrap()
    }

    #[track_caller]
    pub(crate) fn metrics(&self) -> Metrics {
        let reply = self.ask(&get("/metrics"));
        assert_eq!(reply.status, 200);
        Metrics::parse(&reply.text()).unwrap()
    }

    /// Inference requests that the server has received so far, answered or not.
    pub(crate) fn received(&self) -> f64 {
        let metrics = self.metrics();
        let ended = metrics.sum("serve_lite_requests_total", &["route=\"infer\""]);
        ended + metrics.value("serve_lite_pending_requests")
    }
}

impl Deref for TestServer {
    type Target = ServerProcess;

    fn deref(&self) -> &ServerProcess {
        &self.process
    }
}

impl DerefMut for TestServer {
    fn deref_mut(&mut self) -> &mut ServerProcess {
        &mut self.process
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the server's log:\n{}", self.log_tail());
        }
    }
}

/// Waits until a condition holds, and fails if it never does.
#[track_caller]
pub(crate) fn eventually(condition: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < TIME_LIMIT, "never: {condition}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
