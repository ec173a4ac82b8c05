//! The real program, serving a small model on a port of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tract_onnx::pb::ModelProto;

use crate::client::{Connection, Reply};
use crate::models::bytes;
use crate::requests::{binary, get};

/// How long anything may take that only has to happen at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server, killed when the test is over.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// The line that it printed when it was ready.
    pub(crate) greeting: String,
    folder: TempDir,
    log: Arc<Mutex<String>>,
}

impl Server {
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
        command.current_dir(folder.path()).env_remove("SERVE_LITE_TOKEN");
        command.envs(variables.iter().copied());
        command.args(["serve", "model.onnx", "--port", "0"]).args(flags);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        keep(stderr, Arc::clone(&log));
        let (sender, ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            stdout.read_line(&mut line).ok();
            sender.send(line).ok();
            // The pipe stays open, and whatever else is said must not fill it.
            std::io::copy(&mut stdout, &mut std::io::sink()).ok();
        });
        let greeting = ready.recv_timeout(PATIENCE).unwrap_or_default();
        let mut server = Self { child, port: 0, greeting, folder, log };
        let port = server.greeting.trim_end().trim_end_matches('/').rsplit(':').next();
        server.port = port.and_then(|port| port.parse().ok()).unwrap_or_else(|| {
            panic!("not ready: {:?}\n{}", server.greeting, server.log());
        });
        server
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.port)
    }

    /// The reply to a request on a connection of its own.
    #[track_caller]
    pub(crate) fn ask(&self, request: &[u8]) -> Reply {
        self.connect().ask(request)
    }

    /// The logits of pictures, from a request that must succeed.
    #[track_caller]
    pub(crate) fn logits(&self, pictures: &[u8]) -> Vec<f32> {
        let (_, mut tensors) = self.ask(&binary(pictures)).tensors();
        tensors.swap_remove(0)
    }

    /// What the server has written to its standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.folder.path().join("model.onnx")
    }

    /// Puts another file in the model's place, in one step.
    pub(crate) fn replace_model(&self, bytes: &[u8]) {
        let new = self.folder.path().join("new.onnx");
        std::fs::write(&new, bytes).unwrap();
        std::fs::rename(new, self.model()).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// How it ended, which it must do soon.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub(crate) fn metrics(&self) -> Metrics {
        let reply = self.ask(&get("/metrics"));
        assert_eq!(reply.status, 200);
        Metrics::parse(&reply.text())
    }

    /// Requests for inference that have come so far, answered or not.
    pub(crate) fn received(&self) -> f64 {
        let metrics = self.metrics();
        let ended = metrics.sum("serve_lite_requests_total", &["route=\"infer\""]);
        ended + metrics.get("serve_lite_pending_requests")
    }

    /// A file of `/proc` about the process.
    pub(crate) fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let log = self.log();
            let skipped = log.lines().count().saturating_sub(20);
            let end: Vec<_> = log.lines().skip(skipped).collect();
            eprintln!("the server's last words:\n{}", end.join("\n"));
        }
    }
}

fn keep(mut from: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            log.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    });
}

/// Waits for what must come about, and fails if it does not.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it never came about that {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Prometheus' text: every series with its value.
pub(crate) struct Metrics(pub(crate) BTreeMap<String, f64>);

impl Metrics {
    /// Reads the text, and is strict about it.
    #[track_caller]
    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'));
        let mut typed = Vec::new();
        let mut series = BTreeMap::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (keyword, name) = (words.next().unwrap(), words.next().unwrap());
                assert!(words.next().is_some_and(|rest| !rest.is_empty()), "{line}");
                match keyword {
                    "TYPE" => {
                        assert!(!typed.contains(&name.to_owned()), "{name} has two types");
                        typed.push(name.to_owned());
                    }
                    "HELP" => {}
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (name, value) = line.rsplit_once(' ').expect(line);
            let family = name.split('{').next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| family.strip_suffix(end).filter(|f| typed.iter().any(|t| t == f)))
                .unwrap_or(family);
            assert_eq!(typed.last().map(String::as_str), Some(family), "no type before {line}");
            assert!(!name.contains('{') || name.ends_with("\"}"), "{line}");
            let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(series.insert(name.to_owned(), value).is_none(), "{name} twice");
        }
        Self(series)
    }

    /// The sum of the series whose text begins with `name` and has each of `labels` in it.
    pub(crate) fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let fits = |series: &str| {
            series.split('{').next() == Some(name) && labels.iter().all(|l| series.contains(l))
        };
        self.0.iter().filter(|(series, _)| fits(series)).map(|(_, value)| value).sum()
    }

    /// A series without labels, which must be there.
    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no {name}"))
    }
}
