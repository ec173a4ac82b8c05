//! Requirement 12: a server that is told to stop answers every request it has accepted, and then ends.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serve_client::{Failure, ServerProcess};

use super::deadlines::INCOMPLETE;
use crate::client::Client;
use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;
use crate::tally::Tally;

/// Whether the process lives.
const LIVE: &str = "/v2/health/live";
/// `--drain-delay` of half of the shutdowns, in seconds.
const DELAY: f64 = 0.5;
/// `--drain-timeout`, in seconds.
const TIMEOUT: f64 = 2.0;

/// What came of some shutdowns under load.
#[derive(Default)]
struct Shutdowns {
    tally: Tally,
    /// The most milliseconds until the readiness probe got 503.
    not_ready_after: f64,
    /// Those in which the liveness probe got 200 throughout `--drain-delay`.
    n_live: u64,
    /// The most seconds until the process ended.
    slowest: f64,
    /// Those with exit status 0.
    n_exited: u64,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let (rate, rate_name) = setup.busy_rate()?;
    let n = setup.number(10, 2);
    for delay in [DELAY, 0.0] {
        let mut all = Shutdowns::default();
        for _ in 0..n {
            setup.block_on(all.shut_down(setup, rate, delay))?;
        }
        let mut tally = all.tally;
        let name =
            |what: &str| format!("{what}, {n} x SIGTERM at {rate_name}, --drain-delay {delay}");
        let refused = tally.failures.remove(&Failure::Refused).unwrap_or(0);
        results.no_errors(&name("failed or wrong requests"), &tally);
        let retried = format!("{} sent again on a new connection", tally.retried);
        let refused = format!("{refused} refused after the end");
        results.note(
            &name("requests"),
            format!("{} answered; {refused}; {retried}", tally.count(200)),
        );
        results.all_of(&name("exit status 0"), n as u64, all.n_exited);
        results.at_most(&name("slowest end"), delay + TIMEOUT, "s", all.slowest);
        if delay > 0.0 {
            results.at_most(&name("until ready answers 503"), 50.0, "ms", all.not_ready_after);
            results.all_of(&name("live answers 200 meanwhile"), n as u64, all.n_live);
        }
    }
    setup.block_on(with_stuck_client(setup, results))?;
    setup.block_on(second_signal(setup, results))?;
    while_loading(setup, results)
}

impl Shutdowns {
    /// Starts a server and shuts it down under load.
    async fn shut_down(&mut self, setup: &Setup, rate: f64, delay: f64) -> anyhow::Result<()> {
        let flags = ["--drain-delay", &delay.to_string(), "--drain-timeout", &TIMEOUT.to_string()];
        let mut server = setup.start(&flags)?;
        let load = Load {
            patience: Duration::from_secs(5),
            ..setup.load(server.address, Some(rate), Duration::from_secs(30))
        };
        let control = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let mut client = Client::new(server.address, Duration::from_secs(2));
            // Opens the connection, as new ones are refused during the shutdown.
            let _ = client.status(LIVE).await;
            server.signal("TERM")?;
            let start = Instant::now();
            let (mut not_ready_after, mut was_live) = (f64::INFINITY, true);
            while start.elapsed().as_secs_f64() < 0.8 * delay {
                if client.status("/v2/health/ready").await == Ok(503) {
                    not_ready_after = not_ready_after.min(start.elapsed().as_secs_f64() * 1e3);
                }
                was_live &= client.status(LIVE).await == Ok(200);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let status = server.wait(Duration::from_secs(20)).await;
            self.slowest = self.slowest.max(start.elapsed().as_secs_f64());
            self.not_ready_after = self.not_ready_after.max(not_ready_after);
            self.n_live += u64::from(was_live);
            self.n_exited += u64::from(status.is_some_and(|status| status.success()));
            anyhow::Ok(())
        };
        let (tally, control) = load::run_beside(load, control).await;
        self.tally.add(tally);
        control
    }
}

/// Sends SIGTERM and waits: how the server ended, and after how many seconds.
async fn terminate(
    server: &mut ServerProcess,
    limit: u64,
) -> anyhow::Result<(Option<ExitStatus>, f64)> {
    server.signal("TERM")?;
    let start = Instant::now();
    let status = server.wait(Duration::from_secs(limit)).await;
    Ok((status, start.elapsed().as_secs_f64()))
}

async fn with_stuck_client(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&["--drain-timeout", "2"])?;
    let mut connection = server.connect().await?;
    let _ = connection.send(INCOMPLETE).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (status, seconds) = terminate(&mut server, 15).await?;
    results.require(
        "end with a client that never completes its body",
        "exit status 0 within --drain-timeout 2 + 0.5 s",
        format!("{status:?} after {seconds:.2} s"),
        status.is_some_and(|status| status.success()) && seconds <= results.time_limit(2.5),
    );
    Ok(())
}

async fn second_signal(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&["--drain-delay", "10"])?;
    server.signal("TERM")?;
    let early = server.wait(Duration::from_millis(500)).await;
    let (status, seconds) = terminate(&mut server, 5).await?;
    results.require(
        "end after a second signal",
        "within 0.5 s, and not before",
        format!("{status:?} after {seconds:.2} s"),
        early.is_none() && status.is_some() && seconds <= results.time_limit(0.5),
    );
    Ok(())
}

/// A signal before the server is ready ends it too.
fn while_loading(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut slowest = 0.0_f64;
    let n = setup.number(20, 5);
    for i in 0..n {
        let mut command = setup.serve_command(&[], &setup.model);
        let mut child =
            command.args(["--port", "0"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        std::thread::sleep(Duration::from_millis(3 * i as u64));
        let start = Instant::now();
        let id = child.id().to_string();
        Command::new("kill").args(["-s", "TERM", &id]).status()?;
        while child.try_wait()?.is_none() && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(2));
        }
        slowest = slowest.max(start.elapsed().as_secs_f64());
        // It has ended already, unless it missed its limit.
        let _ = child.kill();
        child.wait()?;
    }
    results.at_most(&format!("slowest end of {n} stopped while they load"), 1.0, "s", slowest);
    Ok(())
}
