//! The server as a child process on a free port.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::NamedTempFile;

use crate::requests::get;
use crate::{Connection, Metrics};

/// How long a server may take to become ready, on a machine that does other things too.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long the reply to `/metrics` may take.
const METRICS_LIMIT: Duration = Duration::from_secs(20);
/// Process ids of the servers that run now.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A running server. It is killed when this value is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The line that it printed when it was ready: `mnist version 1 at http://127.0.0.1:8000/`.
    pub ready_line: String,
    /// Time from the start of the process to that line.
    pub ready_after: Duration,
    log: NamedTempFile,
}

impl ServerProcess {
    /// Starts a command that serves a model, on a free port, and waits until it is ready. Its standard error goes into
    /// a temporary file, see [`log`](Self::log). An error, with the end of the log, if it is not ready in a minute.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let log = NamedTempFile::new().context("cannot create the server's log")?;
        let start = Instant::now();
        let mut child = command
            .args(["--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.reopen()?)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        running().push(child.id());
        let stdout = child.stdout.take().map(BufReader::new);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server =
            Self { child, address, ready_line: String::new(), ready_after: START_LIMIT, log };
        let (sender, lines) = mpsc::channel();
        // Reads to the end, so that the server never writes into a full or closed pipe.
        std::thread::spawn(move || {
            for line in stdout.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let Ok(line) = lines.recv_timeout(START_LIMIT) else {
            bail!("the server did not become ready: {}", server.log_tail());
        };
        server.ready_after = start.elapsed();
        let address = line.split_once(" at http://").and_then(|(_, rest)| rest.strip_suffix('/'));
        let address = address.and_then(|address| address.parse().ok());
        server.address = address.with_context(|| format!("no address in '{line}'"))?;
        server.ready_line = line;
        Ok(server)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Opens a connection, or fails if the server accepts none.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.address).await.context("the server accepts no connections")
    }

    /// Reads `/metrics` on a new connection. An error if there is no reply or it is not in Prometheus's format.
    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        let mut connection = self.connect().await?;
        let reply = connection.exchange_within(METRICS_LIMIT, &get("/metrics")).await;
        Metrics::parse(&reply.context("no metrics")?.text())
    }

    /// Sends a signal, by its name without `SIG`. An error if the process has ended, or there is no program `kill`.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        let status = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        ensure!(status.is_ok_and(|status| status.success()), "cannot send SIG{name}");
        Ok(())
    }

    /// How the process ended; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for the process to end, at most as long as `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while self.exit_status().is_none() && start.elapsed() < limit {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.exit_status()
    }

    /// What the server has written to its standard error so far.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.log.path()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The last 20 lines of the log.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(20)..];
        if tail.is_empty() { "its log is empty".to_owned() } else { tail.join("\n") }
    }

    /// Resident memory in MiB, from `/proc`; NaN where there is none.
    pub fn resident_mib(&self) -> f64 {
        self.proc_status("VmRSS:").map_or(f64::NAN, |kib| kib / 1024.0)
    }

    /// Number of threads, from `/proc`; NaN where there is none.
    pub fn n_threads(&self) -> f64 {
        self.proc_status("Threads:").unwrap_or(f64::NAN)
    }

    /// Number of open files and sockets, from `/proc`; 0 where there is none.
    pub fn n_open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).map_or(0, Iterator::count)
    }

    fn proc_status(&self, field: &str) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(field))?;
        value.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let id = self.id();
        running().retain(|&running| running != id);
    }
}

/// Kills all servers of this process, for a handler of Ctrl-C.
pub fn kill_all() {
    for id in running().iter() {
        let _ = Command::new("kill").args(["-s", "KILL", &id.to_string()]).status();
    }
}

fn running() -> std::sync::MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
