//! Requirement 12: a server that is told to stop answers every request it has accepted, and then ends.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serve_client::Failure;

use super::deadlines::INCOMPLETE;
use super::probe::Probe;
use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;
use crate::tally::Tally;

/// `--drain-delay` of half of the shutdowns, in seconds.
const DELAY: f64 = 0.5;
/// `--drain-timeout`, in seconds.
const TIMEOUT: f64 = 2.0;

/// One shutdown under load.
struct Shutdown {
    tally: Tally,
    /// Milliseconds until the readiness probe got 503.
    not_ready_after: f64,
    /// Whether the liveness probe got 200 during `--drain-delay`.
    was_live: bool,
    seconds: f64,
    exit_code: Option<i32>,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let rate = 0.8 * setup.capacity()?;
    let runtime = setup.runtime()?;
    let n = setup.number(10, 2);
    for delay in [DELAY, 0.0] {
        let shutdowns = (0..n).map(|_| runtime.block_on(shut_down(setup, rate, delay)));
        let shutdowns = shutdowns.collect::<anyhow::Result<Vec<_>>>()?;
        let highest = |value: fn(&Shutdown) -> f64| shutdowns.iter().map(value).fold(0.0, f64::max);
        let slowest = highest(|shutdown| shutdown.seconds);
        let not_ready = highest(|shutdown| shutdown.not_ready_after);
        let count = |holds: fn(&Shutdown) -> bool| {
            shutdowns.iter().filter(|shutdown| holds(shutdown)).count() as u64
        };
        let exited = count(|shutdown| shutdown.exit_code == Some(0));
        let live = count(|shutdown| shutdown.was_live);
        let mut all = Tally::default();
        shutdowns.into_iter().for_each(|shutdown| all.add(shutdown.tally));

        let name = |what: &str| format!("{what}, {n} x SIGTERM at 0.8 C, --drain-delay {delay}");
        let refused = all.failures.remove(&Failure::Refused).unwrap_or(0);
        results.zero(&name("failed or wrong requests"), all.n_errors(), &all.errors());
        let (answered, retried) = (all.count(200), all.retried);
        results.note(
            &name("requests"),
            format!("{answered} answered; {refused} refused after the end; {retried} sent again on a new connection"),
        );
        results.all_of(&name("exit status 0"), n as u64, exited);
        results.at_most(&name("slowest end"), delay + TIMEOUT, "s", slowest);
        if delay > 0.0 {
            results.at_most(&name("until ready answers 503"), 50.0, "ms", not_ready);
            results.all_of(&name("live answers 200 meanwhile"), n as u64, live);
        }
    }
    runtime.block_on(with_stuck_client(setup, results))?;
    runtime.block_on(second_signal(setup, results))?;
    runtime.block_on(while_loading(setup, results))
}

async fn shut_down(setup: &Setup, rate: f64, delay: f64) -> anyhow::Result<Shutdown> {
    let flags = ["--drain-delay", &delay.to_string(), "--drain-timeout", &TIMEOUT.to_string()];
    let mut server = setup.start(&flags)?;
    let stop = Arc::new(AtomicBool::new(false));
    let load = Load {
        stop: stop.clone(),
        patience: Duration::from_secs(5),
        ..setup.load(server.address, Some(rate), Duration::from_secs(30))
    };
    let control = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let mut probe = Probe::new(server.address);
        // Opens the connection, as new ones are refused during the shutdown.
        let _ = probe.status("/v2/health/live").await;
        server.signal("TERM")?;
        let start = Instant::now();
        let (mut not_ready_after, mut was_live) = (f64::INFINITY, true);
        while start.elapsed().as_secs_f64() < 0.8 * delay {
            if probe.status("/v2/health/ready").await == Ok(503) && not_ready_after.is_infinite() {
                not_ready_after = start.elapsed().as_secs_f64() * 1e3;
            }
            was_live &= probe.status("/v2/health/live").await == Ok(200);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let status = server.wait(Duration::from_secs(20)).await;
        let seconds = start.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        anyhow::Ok((not_ready_after, was_live, seconds, status.and_then(|status| status.code())))
    };
    let (tally, control) = tokio::join!(load::run(load), control);
    let (not_ready_after, was_live, seconds, exit_code) = control?;
    Ok(Shutdown { tally, not_ready_after, was_live, seconds, exit_code })
}

async fn with_stuck_client(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&["--drain-timeout", "2"])?;
    let mut connection = server.connect().await?;
    let _ = connection.send(INCOMPLETE).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.signal("TERM")?;
    let start = Instant::now();
    let status = server.wait(Duration::from_secs(15)).await;
    let seconds = start.elapsed().as_secs_f64();
    results.require(
        "end with a client that never completes its body",
        "exit status 0 within --drain-timeout 2 + 0.5 s",
        format!("{status:?} after {seconds:.2} s"),
        status.is_some_and(|status| status.code() == Some(0)) && seconds <= 2.5,
    );
    Ok(())
}

async fn second_signal(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&["--drain-delay", "10"])?;
    server.signal("TERM")?;
    let early = server.wait(Duration::from_millis(500)).await;
    server.signal("TERM")?;
    let start = Instant::now();
    let status = server.wait(Duration::from_secs(5)).await;
    let seconds = start.elapsed().as_secs_f64();
    results.require(
        "end after a second signal",
        "within 0.5 s, and not before",
        format!("{status:?} after {seconds:.2} s"),
        early.is_none() && status.is_some() && seconds <= 0.5,
    );
    Ok(())
}

/// A signal before the server is ready ends it too.
async fn while_loading(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut slowest = 0.0_f64;
    let n = setup.number(20, 5);
    for i in 0..n {
        let mut command = setup.serve_command(&[], &setup.model);
        let mut child =
            command.args(["--port", "0"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        tokio::time::sleep(Duration::from_millis(3 * i as u64)).await;
        let start = Instant::now();
        let id = child.id().to_string();
        std::process::Command::new("kill").args(["-s", "TERM", &id]).status()?;
        while child.try_wait()?.is_none() && start.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        slowest = slowest.max(start.elapsed().as_secs_f64());
        // It has ended already, unless it missed its limit.
        let _ = child.kill();
        child.wait()?;
    }
    results.at_most(&format!("slowest end of {n} stopped while they load"), 1.0, "s", slowest);
    Ok(())
}
