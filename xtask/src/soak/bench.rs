//! What all checks share: the server, the model, the pictures with their right answers, and how
//! fast the machine is.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use dataset::{Examples, PIXELS};
use run::{Config, DatasetFacts, RunDirectory, read_json};
use serve_lite::{Classifier, Outputs};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::SoakArgs;
use super::load::{self, Judge, Plan};
use super::requests::Infer;
use super::server::Server;
use crate::cli::MachineArgs;
use crate::{console, session};

/// Connections of an open loop; enough that one is free when a request is due.
const CONNECTIONS: usize = 128;
/// Different requests that a load sends in turn.
const REQUESTS: usize = 1_000;
/// The 99th percentile up to which a rate counts as served, in milliseconds.
const SERVED: f64 = 50.0;

/// Everything a check needs.
pub(super) struct Bench {
    pub(super) server: PathBuf,
    /// A copy of the run's model.
    pub(super) model: PathBuf,
    pub(super) folder: TempDir,
    pub(super) quick: bool,
    pub(super) minutes: f64,
    shared_cores: bool,
    pub(super) classifier: Classifier,
    pub(super) test: Examples,
    /// What the classifier says in this process of all test pictures.
    pub(super) expected: Arc<Outputs>,
    name: String,
    synthetic: bool,
    speed: OnceCell<f64>,
    capacity: OnceCell<f64>,
}

impl Bench {
    pub(super) fn new(runs: &Path, args: &SoakArgs) -> anyhow::Result<Self> {
        let run = RunDirectory::open(runs, args.run.as_deref())?;
        let facts: DatasetFacts = read_json(&run.dataset())?;
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let model = folder.path().join("served.onnx");
        std::fs::copy(run.onnx(), &model).context("export the run first")?;
        let classifier = Classifier::load(&model)?;
        let data = Config::read(&run.config())?.data;
        let wanted = Config { data, ..Config::default() };
        let machine = MachineArgs { threads: None, offline: true };
        let (data, _, now) = session::load(wanted, &machine)?;
        ensure!(now.sha256 == facts.sha256, "the run was trained on other pictures");
        let test = data.dataset.test;
        ensure!(test.len() >= REQUESTS, "{REQUESTS} test pictures are needed");
        let expected = Arc::new(classifier.classify(&test.pixels)?);
        let synthetic = facts.synthetic || classifier.is_synthetic();
        let bench = Self {
            server: args.server.clone().map_or_else(server_beside, Ok)?,
            model,
            folder,
            quick: args.quick,
            minutes: args.minutes,
            shared_cores: args.shared_cores,
            classifier,
            test,
            expected,
            name: format!("{} on {}", run.name(), now.name),
            synthetic,
            speed: OnceCell::new(),
            capacity: OnceCell::new(),
        };
        if synthetic {
            console::notice("the pictures are synthetic: accuracies say nothing of handwriting");
        }
        if !args.shared_cores {
            // The client must not take from the server what it measures.
            let pid = std::process::id().to_string();
            let pinned = Command::new("taskset").args(["-a", "-c", "-p", "1", &pid]).output();
            let pinned = pinned.is_ok_and(|output| output.status.success());
            ensure!(pinned, "cannot pin to core 1 with taskset: measure with --shared-cores");
        }
        Ok(bench)
    }

    /// What was measured, in names and values.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let cores = if self.shared_cores {
            "server and client share all cores"
        } else {
            "server on core 0, client on core 1"
        };
        let digits = if self.synthetic { "synthetic digits" } else { "real pictures" };
        let rate = |cell: &OnceCell<f64>| cell.get().map(|rate| format!("{rate:.0} pictures/s"));
        let mut facts =
            vec![("model", format!("{}, {digits}", self.name)), ("cores", cores.into())];
        facts.extend(rate(&self.speed).map(|rate| ("S: one thread in process", rate)));
        facts.extend(rate(&self.capacity).map(|rate| ("C: open loop, p99 < 50 ms", rate)));
        facts
    }

    /// A long time, or a short one with `--quick`.
    pub(super) fn seconds(&self, long: f64, quick: f64) -> Duration {
        Duration::from_secs_f64(if self.quick { quick } else { long })
    }

    /// A large number, or a small one with `--quick`.
    pub(super) fn number(&self, long: usize, quick: usize) -> usize {
        if self.quick { quick } else { long }
    }

    /// The runtime of a check's client: one thread, as it has one core.
    pub(super) fn runtime(&self) -> anyhow::Result<Runtime> {
        let mut builder = if self.shared_cores {
            tokio::runtime::Builder::new_multi_thread()
        } else {
            tokio::runtime::Builder::new_current_thread()
        };
        builder.enable_all().build().context("cannot start the client")
    }

    /// A program on the server's core.
    pub(super) fn on_server_core(&self, program: impl AsRef<OsStr>) -> Command {
        if self.shared_cores {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    }

    /// The single pictures that a load asks about, one a request, bytes both ways.
    pub(super) fn singles(&self) -> Arc<Vec<Vec<u8>>> {
        Arc::new((0..REQUESTS).map(|i| Infer::binary(self.test.image(i)).request()).collect())
    }

    /// Whether a reply to one of [`singles`](Self::singles) holds the right bits.
    pub(super) fn judge(&self) -> Judge {
        let expected = self.expected.clone();
        Arc::new(move |index, reply| {
            let row = index * expected.classes..(index + 1) * expected.classes;
            let numbers =
                expected.logits[row.clone()].iter().chain(&expected.probabilities[row]).rev();
            let bytes = numbers.flat_map(|number| number.to_le_bytes().into_iter().rev());
            let has = reply.body.iter().rev().copied();
            reply.status != 200
                || reply.body.len() > 8 * expected.classes && has.zip(bytes).all(|(a, b)| a == b)
        })
    }

    /// Single pictures at a rate, or in a closed loop, with every answer judged.
    pub(super) fn plan(&self, address: SocketAddr, rate: Option<f64>, time: Duration) -> Plan {
        Plan {
            address,
            requests: self.singles(),
            connections: if rate.is_some() { CONNECTIONS } else { 64 },
            rate,
            time,
            count: usize::MAX,
            patience: Duration::from_secs(30),
            judge: Some(self.judge()),
            stop: Arc::default(),
            spins: !self.shared_cores,
        }
    }

    /// S: pictures a second of one thread in process, at its best batch.
    pub(super) fn speed(&self) -> anyhow::Result<f64> {
        if let Some(&speed) = self.speed.get() {
            return Ok(speed);
        }
        let mut speed = 0.0_f64;
        // The best of three, as whatever else the machine does can only take from it.
        for _ in 0..3 {
            speed = speed.max(self.speed_now()?);
        }
        console::line(&format!("S = {speed:.0} pictures/s: one thread in process, batches of 32"));
        Ok(*self.speed.get_or_init(|| speed))
    }

    /// S as the machine is at this moment, measured once.
    pub(super) fn speed_now(&self) -> anyhow::Result<f64> {
        let mut command = self.on_server_core(&self.server);
        command.arg("bench").arg(&self.model).args(["--batch", "32", "--json"]);
        let output = command.output().context("cannot start the server's bench")?;
        let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        said["images_per_second"].as_f64().context("a bench without a figure")
    }

    /// C: the highest rate of single pictures in an open loop without an error and with a 99th
    /// percentile below 50 ms.
    pub(super) fn capacity(&self) -> anyhow::Result<f64> {
        if let Some(&capacity) = self.capacity.get() {
            return Ok(capacity);
        }
        let speed = self.speed()?;
        let server = Server::start(self, &[])?;
        let runtime = self.runtime()?;
        let cores = if self.shared_cores {
            std::thread::available_parallelism().map_or(1, usize::from)
        } else {
            1
        };
        let (mut served, mut too_much) = (0.0, 1.2 * speed * cores as f64);
        for _ in 0..self.number(7, 5) {
            let rate = (served + too_much) / 2.0;
            let plan = self.plan(server.address, Some(rate), self.seconds(6.0, 1.5));
            // A second look, as whatever else the machine does now and then is not the server's.
            let keeps_up = (0..2).any(|_| {
                let tally = runtime.block_on(load::run(plan.clone()));
                tally.errors() == 0 && tally.latency(200, 0.99) < SERVED
            });
            if keeps_up {
                served = rate;
            } else {
                too_much = rate;
            }
        }
        if served == 0.0 {
            bail!("the server keeps up with no rate: {}", server.last_words());
        }
        console::line(&format!("C = {served:.0} requests/s: p99 below {SERVED} ms, no errors"));
        Ok(*self.capacity.get_or_init(|| served))
    }

    /// Rows of the classifier's logits and probabilities for some test pictures.
    pub(super) fn rows(&self, first: usize, n: usize) -> (&[f32], &[f32]) {
        let row = first * self.expected.classes..(first + n) * self.expected.classes;
        (&self.expected.logits[row.clone()], &self.expected.probabilities[row])
    }

    /// The grey levels of some test pictures.
    pub(super) fn pixels(&self, first: usize, n: usize) -> &[u8] {
        &self.test.pixels[first * PIXELS..(first + n) * PIXELS]
    }
}

/// The server that was built beside this program; it is built first where it is missing.
fn server_beside() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program lies")?;
    let server = own.with_file_name("serve-lite");
    if !server.exists() {
        console::notice("building serve-lite");
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let arguments = ["build", "--release", "--package", "serve-lite"];
        let built = Command::new(cargo).args(arguments).status().context("cannot start cargo")?;
        ensure!(built.success() && server.exists(), "serve-lite was not built");
    }
    Ok(server)
}
