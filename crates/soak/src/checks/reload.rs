//! Requirement 13: a new model takes over without a failed request, and a bad one never does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serve_client::requests::{MODEL, binary, post};
use serve_client::{Answer, Failure, Reply, ServerProcess};
use serve_lite::{Classifier, Outputs};

use crate::client::Client;
use crate::load::{self, Load, ReplyCheck};
use crate::models::{self, InPlace};
use crate::results::Results;
use crate::setup::{Setup, is_answer_of};

/// What makes a server read its file again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trigger {
    Signal,
    LoadApi,
    Watch,
}

/// The versions seen, and which of the two models they answered with.
type Seen = Arc<Mutex<BTreeMap<u64, [bool; 2]>>>;

/// The file that a server serves, and the two models that it is replaced by in turn.
struct Files {
    served: PathBuf,
    models: [PathBuf; 2],
}

impl Files {
    /// Creates the files in a folder, with the outputs of the second model for all test images.
    fn new(setup: &Setup, folder: &str) -> anyhow::Result<(Self, Outputs)> {
        let folder = setup.folder.path().join(folder);
        std::fs::create_dir_all(&folder)?;
        let models = ["first.onnx", "second.onnx"].map(|name| folder.join(name));
        std::fs::copy(&setup.model, &models[0])?;
        std::fs::write(&models[1], models::shifted(setup)?)?;
        let files = Self { served: folder.join("served.onnx"), models };
        files.replace(&files.models[0])?;
        let outputs = Classifier::load(&files.models[1])?.classify(&setup.test.pixels)?;
        Ok((files, outputs))
    }

    /// Replaces the served file by another, in one step.
    fn replace(&self, file: &Path) -> anyhow::Result<()> {
        let link = self.served.with_extension("next");
        let _ = std::fs::remove_file(&link);
        std::fs::hard_link(file, &link)?;
        std::fs::rename(&link, &self.served)?;
        Ok(())
    }
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let (rate, rate_name) = setup.busy_rate()?;
    let (files, second) = Files::new(setup, "reload")?;
    let server = setup.start_with(&[], &files.served, &["--watch", "1"])?;
    let n = setup.number(50, 6);
    let seen = Seen::default();
    let load = setup.load(server.address, Some(rate), setup.seconds(30.0, 3.0));
    let alone = setup.run(load.clone());
    let load = Load {
        time: Duration::from_secs(600),
        check: Some(check_versions(setup, second, seen.clone())),
        ..load
    };
    let reloads = reload_repeatedly(&server, &files, n);
    let (tally, slowest) = setup.block_on(load::run_beside(load, reloads));
    let slowest = slowest?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let name = |what: &str| format!("{what}, {n} reloads at {rate_name}");
    let answered = format!("{} requests by {} versions", tally.count(200), seen.len());
    results.note(&name("answered"), answered);
    results.no_errors(&name("failed requests, or bits of neither model"), &tally);
    let mixed = seen.values().filter(|models| **models == [true, true]).count();
    results.zero(&name("versions that answered with the weights of both models"), mixed as u64, "");
    results.at_least(&name("versions that answered"), n as f64, "", seen.len() as f64);
    let (p99, p99_alone) = (tally.latency(200, 0.99), alone.latency(200, 0.99));
    results.note(&format!("p99 at {rate_name} without reloads"), format!("{p99_alone:.2} ms"));
    results.at_most(&name("p99"), 2.0 * p99_alone, "ms", p99);
    results.note(&name("slowest reply"), format!("{:.1} ms", tally.latency(200, 1.0)));
    results.note("slowest reload", format!("{:.0} ms", slowest * 1e3));
    drop(server);
    bad_files(setup, results)
}

/// Replaces the model `n` times: the longest time until the new version served, in seconds.
async fn reload_repeatedly(server: &ServerProcess, files: &Files, n: usize) -> anyhow::Result<f64> {
    let mut slowest = 0.0_f64;
    for i in 1..=n {
        let before = version(server).await?;
        files.replace(&files.models[i % 2])?;
        let start = Instant::now();
        let trigger = [Trigger::Signal, Trigger::LoadApi, Trigger::Watch][i % 3];
        match trigger {
            Trigger::Signal => server.signal("HUP")?,
            Trigger::LoadApi => {
                let reply = call_load_api(server).await?;
                ensure!(reply.status == 200, "the load API answered {}", reply.summary());
            }
            Trigger::Watch => {}
        }
        while version(server).await? == before {
            ensure!(start.elapsed() < Duration::from_secs(10), "no new version after {trigger:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if trigger != Trigger::Watch {
            slowest = slowest.max(start.elapsed().as_secs_f64());
        }
        // Longer than the server's watcher takes to look again.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    Ok(slowest)
}

async fn version(server: &ServerProcess) -> anyhow::Result<f64> {
    Ok(server.metrics().await?.value("serve_lite_model_version"))
}

async fn call_load_api(server: &ServerProcess) -> Result<Reply, Failure> {
    let request = post(&format!("/v2/repository/models/{MODEL}/load"), b"");
    Client::new(server.address, Duration::from_secs(10)).exchange(&request).await
}

/// Every answer must be that of one model, bit by bit; notes which version it names.
fn check_versions(setup: &Setup, second: Outputs, seen: Seen) -> ReplyCheck {
    let models = [setup.expected.clone(), Arc::new(second)];
    Arc::new(move |index, reply| {
        let Ok(answer) = Answer::read(reply) else { return false };
        let model = models.iter().position(|model| is_answer_of(model, index, &answer));
        let Some(model) = model else { return false };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(answer.version()).or_default()[model] = true;
        true
    })
}

/// Files that must be refused.
fn bad_files(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let (files, _) = Files::new(setup, "bad")?;
    let mut server = setup.start_with(&[], &files.served, &["--watch", "0"])?;
    let request = binary(setup.test.image(0));
    let path = files.served.with_file_name("bad.onnx");
    let load = || setup.block_on(call_load_api(&server));
    for (name, in_place) in models::bad(setup)? {
        // The file before may have been the missing one.
        let _ = std::fs::remove_file(&files.served);
        match in_place {
            InPlace::Nothing => {}
            InPlace::Bytes(bytes) => {
                std::fs::write(&path, bytes)?;
                std::fs::rename(&path, &files.served)?;
            }
            InPlace::Pipe => {
                let made = Command::new("mkfifo").arg(&files.served).status()?;
                ensure!(made.success(), "cannot make a pipe");
            }
        }
        let before = setup.metrics(&server)?;
        let start = Instant::now();
        let reply = load()?;
        let seconds = start.elapsed().as_secs_f64();
        results.at_most(&format!("time to refuse it: {name}"), 5_000.0, "ms", 1e3 * seconds);
        server.signal("HUP")?;
        std::thread::sleep(Duration::from_millis(500));
        let failure = ["outcome=\"failure\""];
        let counted =
            setup.metrics(&server)?.since(&before, "serve_lite_model_loads_total", &failure);
        let mut client = Client::new(server.address, Duration::from_secs(2));
        let answer = Answer::read(&setup.block_on(client.exchange(&request))?);
        let still_serves = answer
            .is_ok_and(|answer| answer.version() == 1 && is_answer_of(&setup.expected, 0, &answer));
        let old = if still_serves { "still serves" } else { "no longer serves" };
        results.require(
            &format!("a bad model file: {name}"),
            "400 with an error, counted twice (load API and signal), the old model still serves",
            format!("{}, counted {counted:.0} times, the old model {old}", reply.summary()),
            reply.status == 400 && reply.error().is_ok() && counted == 2.0 && still_serves,
        );
    }
    files.replace(&files.models[1])?;
    let reply = load()?;
    let holds = reply.status == 200;
    results.require("a good file after all bad ones", "200", reply.summary(), holds);
    results.still_running("the server afterwards", &mut server);
    Ok(())
}
