//! Requirement 13: another model takes over while requests go on, and a bad one never does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serve_lite::{Classifier, Outputs};

use super::bench::Bench;
use super::findings::Findings;
use super::http::Reply;
use super::load::{self, Judge, Plan};
use super::requests::{Answer, Infer, MODEL, http};
use super::server::Server;
use super::variants;

/// How a server comes to look at its file.
#[derive(Clone, Copy, Debug)]
enum By {
    Signal,
    Call,
    Watch,
}

/// The versions seen, and which of the two models they answered with.
type Seen = Arc<Mutex<BTreeMap<u64, [bool; 2]>>>;

/// The file that a server serves, and the two that take turns as it.
struct Files {
    served: PathBuf,
    models: [PathBuf; 2],
}

impl Files {
    fn new(bench: &Bench, name: &str) -> anyhow::Result<(Self, Outputs)> {
        let folder = bench.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        let models = ["one.onnx", "two.onnx"].map(|name| folder.join(name));
        std::fs::copy(&bench.model, &models[0])?;
        std::fs::write(&models[1], variants::biased(bench)?)?;
        let files = Self { served: folder.join("served.onnx"), models };
        files.put(&files.models[0])?;
        let other = Classifier::load(&files.models[1])?.classify(&bench.test.pixels)?;
        Ok((files, other))
    }

    /// Puts a file in the served one's place, at once.
    fn put(&self, file: &Path) -> anyhow::Result<()> {
        let link = self.served.with_extension("next");
        let _ = std::fs::remove_file(&link);
        std::fs::hard_link(file, &link)?;
        std::fs::rename(&link, &self.served)?;
        Ok(())
    }
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let capacity = bench.capacity()?;
    let (files, other) = Files::new(bench, "reload")?;
    let server = Server::start_with(bench, &files.served, &["--watch", "1"])?;
    let runtime = bench.runtime()?;
    let n = bench.number(50, 6);
    let seen = Seen::default();
    let stop = Arc::new(AtomicBool::new(false));
    let rate = Some(0.8 * capacity);
    let calm = bench.plan(server.address, rate, bench.seconds(30.0, 3.0));
    let alone = runtime.block_on(load::run(calm.clone()));
    let plan = Plan {
        time: Duration::from_secs(600),
        judge: Some(judge(bench, other, seen.clone())),
        stop: stop.clone(),
        ..calm
    };
    let (tally, done) = runtime.block_on(async {
        let control = async {
            let done = reload_often(&server, &files, n).await;
            stop.store(true, Ordering::Relaxed);
            done
        };
        tokio::join!(load::run(plan), control)
    });
    let slowest = done?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let name = |what: &str| format!("{what}, {n} reloads at 0.8 C");
    findings.note(
        &name("answered"),
        format!("{} requests by {} versions", tally.count(200), seen.len()),
    );
    findings.none(&name("failed or with bits of no model"), tally.errors(), &tally.trouble());
    let mixed = seen.values().filter(|models| **models == [true, true]).count();
    findings.none(&name("versions that answered with both models' weights"), mixed as u64, "");
    findings.at_least(&name("versions that answered"), n as f64, "", seen.len() as f64);
    let (p99, p99_alone) = (tally.latency(200, 0.99), alone.latency(200, 0.99));
    findings.note("p99 at 0.8 C without reloads", format!("{p99_alone:.2} ms"));
    findings.at_most(&name("p99"), 2.0 * p99_alone, "ms", p99);
    findings.note(&name("slowest answer"), format!("{:.1} ms", tally.latency(200, 1.0)));
    findings.note("slowest reload", format!("{:.0} ms", slowest * 1e3));
    drop(server);
    bad_files(bench, findings)
}

/// Replaces the model again and again; the longest that a version took to be served.
async fn reload_often(server: &Server, files: &Files, n: usize) -> anyhow::Result<f64> {
    let mut slowest = 0.0_f64;
    for i in 1..=n {
        let before = version(server).await?;
        files.put(&files.models[i % 2])?;
        let start = Instant::now();
        let by = [By::Signal, By::Call, By::Watch][i % 3];
        match by {
            By::Signal => server.signal("HUP")?,
            By::Call => {
                let (status, reason) = load_model(server).await?;
                anyhow::ensure!(status == 200, "the load API answered {status}: {reason}");
            }
            By::Watch => {}
        }
        while version(server).await? == before {
            let waited = start.elapsed();
            anyhow::ensure!(waited < Duration::from_secs(10), "no new version after {by:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if !matches!(by, By::Watch) {
            slowest = slowest.max(start.elapsed().as_secs_f64());
        }
        // Longer than the server's watch takes to look again.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    Ok(slowest)
}

async fn version(server: &Server) -> anyhow::Result<u64> {
    Ok(server.metrics().await?.sum("serve_lite_model_version", &[]) as u64)
}

async fn load_model(server: &Server) -> anyhow::Result<(u16, String)> {
    let request = http("POST", &format!("/v2/repository/models/{MODEL}/load"), &[], b"");
    let mut connection = server.connect().await?;
    let reply = connection.exchange_within(Duration::from_secs(10), &request).await;
    let reply = reply.map_err(|failure| anyhow::anyhow!("the load API: {failure:?}"))?;
    Ok((reply.status, reply.text()))
}

/// Every answer must be one model's, bit by bit, and says which version that is.
fn judge(bench: &Bench, other: Outputs, seen: Seen) -> Judge {
    let models = [bench.expected.clone(), Arc::new(other)];
    Arc::new(move |index: usize, reply: &Reply<'_>| {
        let Ok(answer) = Answer::read(reply) else { return false };
        let row = |model: &Outputs| {
            let row = index * model.classes..(index + 1) * model.classes;
            answer.is("logits", &model.logits[row.clone()])
                && answer.is("probabilities", &model.probabilities[row])
        };
        let Some(model) = models.iter().position(|model| row(model)) else { return false };
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(answer.version).or_default()[model] = true;
        true
    })
}

/// Files that must be refused, by every way to a reload.
fn bad_files(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let (files, _) = Files::new(bench, "bad")?;
    let mut server = Server::start_with(bench, &files.served, &["--watch", "0"])?;
    let runtime = bench.runtime()?;
    let request = Infer::binary(bench.test.image(0)).request();
    runtime.block_on(async {
        for (name, bytes) in variants::bad(bench)? {
            match bytes {
                Some(bytes) => {
                    let path = bench.folder.path().join("bad").join("bad.onnx");
                    let _ = std::fs::remove_file(&path);
                    std::fs::write(&path, bytes)?;
                    files.put(&path)?;
                }
                None => std::fs::remove_file(&files.served)?,
            }
            let failures = |scrape: &super::scrape::Scrape| {
                scrape.sum("serve_lite_model_loads_total", &["outcome=\"failure\""])
            };
            let before = server.metrics().await?;
            let (status, reason) = load_model(&server).await?;
            server.signal("HUP")?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            let after = server.metrics().await?;
            let mut connection = server.connect().await?;
            let reply = connection.exchange_within(Duration::from_secs(2), &request).await;
            let still = reply.is_ok_and(|reply| {
                Answer::read(&reply).is_ok_and(|answer| {
                    answer.version == 1 && answer.is("logits", bench.rows(0, 1).0)
                })
            });
            let counted = failures(&after) - failures(&before);
            findings.hold(
                &format!("a model file that is bad: {name}"),
                "400 with a reason, counted twice (call and signal), the old model stays",
                format!(
                    "{status} {reason}, counted {counted:.0} times, the old model {}",
                    if still { "stays" } else { "is gone" }
                ),
                status == 400 && reason.contains("error") && counted == 2.0 && still,
            );
        }
        files.put(&files.models[1])?;
        let (status, reason) = load_model(&server).await?;
        let said = format!("{status} {reason}");
        findings.hold("a good file after all the bad ones", "200", said, status == 200);
        anyhow::Ok(())
    })?;
    findings.alive("the server after them", &mut server);
    Ok(())
}
