//! What all checks share: the server program, the model, the test images with their correct answers, and how fast the
//! machine is.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use dataset::{Event, Examples, LoadOptions};
use images::ImageShape;
use run::{Config, DatasetFacts, Needs, RunDirectory, read_json};
use serve_client::requests::{binary, get};
use serve_client::{Answer, Metrics, ServerProcess};
use serve_lite::{Classifier, Outputs};
use statrs::statistics::Statistics;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::load::{self, Load, ReplyCheck};
use crate::tally::Tally;
use crate::{SoakArgs, console};

/// Connections of an open loop: enough that one is free when a request is due.
const CONNECTIONS: usize = 128;
/// Different requests that a load sends in turn.
const REQUESTS: usize = 1_000;
/// The 99th percentile, in milliseconds, up to which the server keeps up with a rate.
const KEEPS_UP: f64 = 50.0;

/// Everything that a check needs.
pub(crate) struct Setup {
    pub(crate) server: PathBuf,
    /// A copy of the run's model.
    pub(crate) model: PathBuf,
    /// A temporary folder, for other models.
    pub(crate) folder: TempDir,
    pub(crate) quick: bool,
    pub(crate) minutes: f64,
    shared_cores: bool,
    /// For the clients: one thread where they have one core.
    runtime: Runtime,
    pub(crate) classifier: Classifier,
    pub(crate) test: Examples,
    /// The classifier's outputs for all test images, computed in this process.
    pub(crate) expected: Arc<Outputs>,
    run_name: String,
    is_synthetic: bool,
    speed: OnceCell<f64>,
    capacity: OnceCell<f64>,
}

impl Setup {
    pub(crate) fn new(args: &SoakArgs) -> anyhow::Result<Self> {
        let run = RunDirectory::find(&args.runs, args.run.as_deref(), Needs::Onnx)?;
        let facts: DatasetFacts = read_json(&run.dataset())?;
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let model = folder.path().join("served.onnx");
        std::fs::copy(run.onnx(), &model).context("export the run first")?;
        let classifier = Classifier::load(&model)?;
        let test = test_images(&Config::read(&run.config())?, &facts)?;
        let expected = Arc::new(classifier.classify(&test.pixels)?);
        let is_synthetic = facts.synthetic || classifier.is_synthetic();
        if is_synthetic {
            console::notice("the images are synthetic: accuracies say nothing about handwriting");
        }
        if !args.shared_cores {
            // The client must not use the core that it measures.
            let id = std::process::id().to_string();
            let pinned = Command::new("taskset").args(["-a", "-c", "-p", "1", &id]).output();
            let pinned = pinned.is_ok_and(|output| output.status.success());
            ensure!(pinned, "cannot pin to core 1 with taskset: measure with --shared-cores");
        }
        let mut runtime = match args.shared_cores {
            true => Builder::new_multi_thread(),
            false => Builder::new_current_thread(),
        };
        Ok(Self {
            server: args.server.clone().map_or_else(server_program, Ok)?,
            model,
            folder,
            quick: args.quick,
            minutes: args.minutes,
            shared_cores: args.shared_cores,
            runtime: runtime.enable_all().build().context("cannot start the clients' runtime")?,
            classifier,
            test,
            expected,
            run_name: format!("{} on {}", run.name(), facts.name),
            is_synthetic,
            speed: OnceCell::new(),
            capacity: OnceCell::new(),
        })
    }

    /// What was measured, as names and values.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let cores = match self.shared_cores {
            true => "server and client share all cores",
            false => "server on core 0, client on core 1",
        };
        let images = if self.is_synthetic { "synthetic digits" } else { "real images" };
        let rate = |cell: &OnceCell<f64>| cell.get().map(|rate| format!("{rate:.0} images/s"));
        let mut facts =
            vec![("model", format!("{}, {images}", self.run_name)), ("cores", cores.into())];
        facts.extend(rate(&self.speed).map(|rate| ("S: one thread in process", rate)));
        facts.extend(rate(&self.capacity).map(|rate| ("C: open loop, p99 < 50 ms", rate)));
        facts
    }

    /// Seconds of a measurement, fewer with `--quick`.
    pub(crate) fn seconds(&self, full: f64, quick: f64) -> Duration {
        Duration::from_secs_f64(if self.quick { quick } else { full })
    }

    /// A number of repetitions, fewer with `--quick`.
    pub(crate) fn number(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// Runs clients until they are done.
    pub(crate) fn block_on<F: Future>(&self, clients: F) -> F::Output {
        self.runtime.block_on(clients)
    }

    /// Runs a load until it ends.
    pub(crate) fn run(&self, load: Load) -> Tally {
        self.block_on(load::run(load))
    }

    /// Reads a server's metrics.
    pub(crate) fn metrics(&self, server: &ServerProcess) -> anyhow::Result<Metrics> {
        self.block_on(server.metrics())
    }

    /// Starts a server on the run's model.
    pub(crate) fn start(&self, flags: &[&str]) -> anyhow::Result<ServerProcess> {
        self.start_with(&[], &self.model, flags)
    }

    /// Starts a server on a model, by a command that other programs may precede (`prlimit --nofile=64`).
    pub(crate) fn start_with(
        &self,
        wrapper: &[&str],
        model: &Path,
        flags: &[&str],
    ) -> anyhow::Result<ServerProcess> {
        ServerProcess::start(self.serve_command(wrapper, model).args(flags))
    }

    /// The command that serves a model, on the server's core.
    pub(crate) fn serve_command(&self, wrapper: &[&str], model: &Path) -> Command {
        let mut command = self.server_command(wrapper);
        command.arg("serve").arg(model);
        command
    }

    /// The server program on the server's core, after the words of other programs.
    fn server_command(&self, wrapper: &[&str]) -> Command {
        let pinning: &[&str] = if self.shared_cores { &[] } else { &["taskset", "-c", "0"] };
        let mut words =
            pinning.iter().chain(wrapper).map(OsStr::new).chain([self.server.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_remove("SERVE_LITE_TOKEN");
        command
    }

    /// A request for each of the first images, in the binary form.
    pub(crate) fn single_images(&self) -> Vec<Vec<u8>> {
        (0..REQUESTS).map(|i| binary(self.test.image(i))).collect()
    }

    /// Whether a reply to one of [`single_images`](Self::single_images) ends with the correct bits, if its status is 200.
    pub(crate) fn reply_check(&self) -> ReplyCheck {
        let outputs = |index| {
            let (logits, probabilities) = self.rows(index, 1);
            logits.iter().chain(probabilities).flat_map(|value| value.to_le_bytes()).collect()
        };
        let expected: Vec<Vec<u8>> = (0..REQUESTS).map(outputs).collect();
        Arc::new(move |index, reply| reply.status != 200 || reply.body.ends_with(&expected[index]))
    }

    /// Single images at a rate, or in a closed loop of 64 clients, with every reply checked.
    pub(crate) fn load(&self, address: SocketAddr, rate: Option<f64>, time: Duration) -> Load {
        Load {
            address,
            requests: Arc::new(self.single_images()),
            connections: if rate.is_some() { CONNECTIONS } else { 64 },
            rate,
            time,
            count: usize::MAX,
            patience: Duration::from_secs(30),
            check: Some(self.reply_check()),
            stop: Arc::default(),
            spins: !self.shared_cores,
        }
    }

    /// Ten GETs of a path a second, for ten minutes or until they are stopped.
    pub(crate) fn probe(&self, address: SocketAddr, path: &str) -> Load {
        Load {
            requests: Arc::new(vec![get(path)]),
            connections: 1,
            patience: Duration::from_secs(2),
            check: None,
            spins: false,
            ..self.load(address, Some(10.0), Duration::from_secs(600))
        }
    }

    /// S: images a second of one thread in process, in batches of 32.
    pub(crate) fn speed(&self) -> anyhow::Result<f64> {
        if let Some(&speed) = self.speed.get() {
            return Ok(speed);
        }
        // The best of three, because whatever else the machine does can only slow it down.
        let speeds = [self.measure_speed()?, self.measure_speed()?, self.measure_speed()?];
        let speed = speeds.max();
        console::line(&format!("  S = {speed:.0} images/s: one thread in process, batches of 32"));
        Ok(*self.speed.get_or_init(|| speed))
    }

    /// S as the machine is at this moment, measured once.
    pub(crate) fn measure_speed(&self) -> anyhow::Result<f64> {
        let mut bench = self.server_command(&[]);
        bench.arg("bench").arg(&self.model).args(["--batch", "32", "--json"]);
        let output = bench.output().context("cannot start the server's bench")?;
        let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        json["images_per_second"].as_f64().context("a bench without a result")
    }

    /// C: the highest rate of single images in an open loop without an error and with a 99th percentile below 50 ms,
    /// found by bisection.
    pub(crate) fn capacity(&self) -> anyhow::Result<f64> {
        if let Some(&capacity) = self.capacity.get() {
            return Ok(capacity);
        }
        let server = self.start(&[])?;
        let all_cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = if self.shared_cores { all_cores } else { 1 };
        let (mut capacity, mut too_high) = (0.0, 1.2 * self.speed()? * cores as f64);
        for _ in 0..self.number(7, 5) {
            let rate = (capacity + too_high) / 2.0;
            let load = self.load(server.address, Some(rate), self.seconds(6.0, 1.5));
            // Tried twice, because the first try may suffer from whatever else the machine does.
            let keeps_up = (0..2).any(|_| {
                let tally = self.run(load.clone());
                tally.n_errors() == 0 && tally.latency(200, 0.99) < KEEPS_UP
            });
            *(if keeps_up { &mut capacity } else { &mut too_high }) = rate;
        }
        if capacity == 0.0 {
            bail!("the server keeps up with no rate: {}", server.log_tail());
        }
        let limit = format!("p99 below {KEEPS_UP} ms, no errors");
        console::line(&format!("  C = {capacity:.0} requests/s: {limit}"));
        Ok(*self.capacity.get_or_init(|| capacity))
    }

    /// The rate of requests at which a server is busy and keeps up, and its name. Quick runs leave room for whatever else
    /// the machine does, since they do not judge speed.
    pub(crate) fn busy_rate(&self) -> anyhow::Result<(f64, &'static str)> {
        let (share, name) = if self.quick { (0.4, "0.4 C") } else { (0.8, "0.8 C") };
        Ok((share * self.capacity()?, name))
    }

    /// The expected logits and probabilities of some test images.
    pub(crate) fn rows(&self, first: usize, n: usize) -> (&[f32], &[f32]) {
        let row = first * self.expected.classes..(first + n) * self.expected.classes;
        (&self.expected.logits[row.clone()], &self.expected.probabilities[row])
    }

    /// The grey levels of some test images.
    pub(crate) fn pixels(&self, first: usize, n: usize) -> &[u8] {
        let size = ImageShape::DIGIT.size();
        &self.test.pixels[first * size..(first + n) * size]
    }
}

/// The test images of a run's dataset, which must be the dataset that the run was trained on.
fn test_images(config: &Config, facts: &DatasetFacts) -> anyhow::Result<Examples> {
    let options = LoadOptions {
        cache: dataset::default_cache(),
        kiln_data: std::env::var_os("KILN_DATA").map(Into::into),
        offline: true,
    };
    let mut show = |event: Event<'_>| {
        if let Event::Notice(text) | Event::Warning(text) = event {
            console::notice(text);
        }
    };
    let dataset = dataset::load(&config.data, &options, &mut show)?;
    let is_digits = facts.shape == ImageShape::DIGIT;
    ensure!(is_digits, "the run's images are not digits of 28x28 grey levels");
    ensure!(dataset.sha256 == facts.sha256, "the run was trained on other images");
    ensure!(dataset.test.len() >= REQUESTS, "at least {REQUESTS} test images are needed");
    Ok(dataset.test)
}

/// The server that was built next to this program.
fn server_program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot locate this program")?;
    let server = own.with_file_name("serve-lite");
    let build = "cargo build --release --package serve-lite";
    ensure!(server.exists(), "{} is missing: {build}", server.display());
    Ok(server)
}

/// Whether an answer for one image has a model's logits and probabilities of that image, bit by bit.
pub(crate) fn is_answer_of(model: &Outputs, index: usize, answer: &Answer) -> bool {
    let row = index * model.classes..(index + 1) * model.classes;
    answer.has("logits", &model.logits[row.clone()])
        && answer.has("probabilities", &model.probabilities[row])
}
