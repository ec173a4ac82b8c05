//! The server under test: a child process on a port of its own choosing, and what the system knows
//! of it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::bench::Bench;
use super::http::Connection;
use super::requests::get;
use super::scrape::Scrape;

/// How long a server may take before this command gives up on it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Servers that are to end with this command, if it is interrupted.
static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// A running server; it ends when this value does.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// From the start of the process until it said that it was ready.
    pub(super) ready_after: Duration,
    log: PathBuf,
}

impl Server {
    /// Starts a server on the run's model.
    pub(super) fn start(bench: &Bench, flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(bench, &bench.model, flags)
    }

    /// Starts a server on a model and waits until it is ready.
    pub(super) fn start_with(bench: &Bench, model: &Path, flags: &[&str]) -> anyhow::Result<Self> {
        let mut command = bench.on_server_core(&bench.server);
        command.arg("serve").arg(model).args(["--port", "0"]).args(flags);
        Self::spawn(bench, command)
    }

    /// Starts a command that becomes a server; its standard error is kept in a file unless it has
    /// another place already.
    pub(super) fn spawn(bench: &Bench, mut command: Command) -> anyhow::Result<Self> {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = bench.folder.path().join(format!("server-{number}.log"));
        let file = File::create(&log).context("cannot write a server's log")?;
        let start = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {}", bench.server.display()))?;
        CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).push(child.id());
        let Some(stdout) = child.stdout.take() else { bail!("a server without standard output") };
        let (said, heard) = mpsc::channel();
        // Reads on to the end, so that the server never writes into a closed pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let placeholder = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address: placeholder, ready_after: PATIENCE, log };
        let Ok(line) = heard.recv_timeout(PATIENCE) else {
            bail!("the server did not say that it is ready: {}", server.last_words());
        };
        server.ready_after = start.elapsed();
        let address = line.split_once("http://").map(|(_, rest)| rest.trim_end_matches('/'));
        let address = address.and_then(|address| address.parse().ok());
        server.address = address.with_context(|| format!("the server said '{line}'"))?;
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by its name without `SIG`.
    pub(super) fn signal(&self, name: &str) -> anyhow::Result<()> {
        let pid = self.pid().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        anyhow::ensure!(status.is_ok_and(|status| status.success()), "cannot send SIG{name}");
        Ok(())
    }

    /// Waits for the process to end, not longer than `limit`.
    pub(super) async fn ended(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        None
    }

    /// Whether it still runs, as the process that was started.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Resident memory in MiB.
    pub(super) fn memory(&self) -> f64 {
        self.status("VmRSS:").map_or(f64::NAN, |kib| kib / 1024.0)
    }

    pub(super) fn threads(&self) -> f64 {
        self.status("Threads:").unwrap_or(f64::NAN)
    }

    /// Open files and sockets.
    pub(super) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }

    fn status(&self, name: &str) -> Option<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// What `/metrics` says.
    pub(super) async fn metrics(&self) -> anyhow::Result<Scrape> {
        let mut connection = self.connect().await?;
        let reply = connection.exchange_within(PATIENCE, &get("/metrics")).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("no metrics: {failure:?}"))?;
        Ok(Scrape::parse(&String::from_utf8_lossy(reply.body)))
    }

    /// A connection to it.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        let connection = Connection::open(self.address).await;
        connection.map_err(|_| anyhow::anyhow!("the server takes no connections"))
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let mut text = String::new();
        let read = File::open(&self.log).and_then(|mut file| file.read_to_string(&mut text));
        let lines: Vec<_> = text.lines().rev().take(3).collect();
        match read {
            Ok(0) | Err(_) => "it logged nothing".to_owned(),
            Ok(_) => lines.into_iter().rev().collect::<Vec<_>>().join(" / "),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.pid();
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).retain(|&child| child != pid);
    }
}

/// Ends the servers, then this process, when someone presses Ctrl-C.
pub(super) fn end_with_interrupt() -> anyhow::Result<()> {
    let end = || {
        for pid in CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
        }
        std::process::exit(130)
    };
    ctrlc::set_handler(end).context("cannot watch for Ctrl-C")
}
