//! Requirement 12: a server that is told to stop answers all it has accepted, and then stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::deadlines::STUCK;
use super::findings::Findings;
use super::http::{Connection, Failure};
use super::load::{self, Plan, Tally};
use super::requests::get;
use super::server::Server;

/// `--drain-delay` of every second round, in seconds.
const DELAY: f64 = 0.5;
/// `--drain-timeout`, in seconds.
const BOUND: f64 = 2.0;

/// What one shutdown under load was like.
struct Shutdown {
    tally: Tally,
    /// Milliseconds until ready answered 503, and whether live answered 200 meanwhile.
    not_ready_after: f64,
    live_meanwhile: bool,
    seconds: f64,
    code: Option<i32>,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let capacity = bench.capacity()?;
    let runtime = bench.runtime()?;
    for delay in [DELAY, 0.0] {
        let mut all = Tally::default();
        let (mut slowest, mut codes, mut not_ready, mut live) = (0.0_f64, Vec::new(), 0.0_f64, 0);
        let n = bench.number(10, 2);
        for _ in 0..n {
            let shutdown = runtime.block_on(shut_down(bench, 0.8 * capacity, delay))?;
            slowest = slowest.max(shutdown.seconds);
            codes.push(shutdown.code);
            not_ready = not_ready.max(shutdown.not_ready_after);
            live += usize::from(shutdown.live_meanwhile);
            all.add(shutdown.tally);
        }
        let name = |what: &str| format!("{what}, {n} x SIGTERM at 0.8 C, --drain-delay {delay}");
        let refused = all.failures.remove(&Failure::Refused).unwrap_or(0);
        findings.none(&name("failed or wrong"), all.errors(), &all.trouble());
        findings.note(
            &name("answered"),
            format!(
                "{} with 200; refused as it was gone {refused}; sent again, as the server closed \
                 an idle connection {}",
                all.count(200),
                all.retried
            ),
        );
        let good = codes.iter().filter(|code| **code == Some(0)).count();
        findings.hold(&name("exit 0"), &format!("{n} of {n}"), format!("{good} of {n}"), good == n);
        findings.at_most(&name("slowest end"), delay + BOUND, "s", slowest);
        if delay > 0.0 {
            findings.at_most(&name("until ready answers 503"), 50.0, "ms", not_ready);
            let said = format!("{live} of {n}");
            findings.hold(
                &name("live answers 200 meanwhile"),
                &format!("{n} of {n}"),
                said,
                live == n,
            );
        }
    }
    runtime.block_on(with_stuck_client(bench, findings))?;
    runtime.block_on(second_signal(bench, findings))?;
    runtime.block_on(while_loading(bench, findings))
}

async fn shut_down(bench: &Bench, rate: f64, delay: f64) -> anyhow::Result<Shutdown> {
    let (delay_flag, bound) = (delay.to_string(), BOUND.to_string());
    let flags = ["--drain-delay", &delay_flag, "--drain-timeout", &bound];
    let mut server = Server::start(bench, &flags)?;
    let stop = Arc::new(AtomicBool::new(false));
    let plan = Plan {
        stop: stop.clone(),
        patience: Duration::from_secs(5),
        ..bench.plan(server.address, Some(rate), Duration::from_secs(30))
    };
    let control = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let mut kept = Connection::open(server.address).await.ok();
        server.signal("TERM")?;
        let told = Instant::now();
        let mut not_ready_after = f64::INFINITY;
        let mut live_meanwhile = true;
        while delay > 0.0 && told.elapsed().as_secs_f64() < 0.8 * delay {
            let ready = status(&server, &mut kept, "/v2/health/ready").await;
            if ready == Ok(503) && not_ready_after.is_infinite() {
                not_ready_after = told.elapsed().as_secs_f64() * 1e3;
            }
            live_meanwhile &= status(&server, &mut kept, "/v2/health/live").await == Ok(200);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ended = server.ended(Duration::from_secs(20)).await;
        let seconds = told.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        anyhow::Ok((
            not_ready_after,
            live_meanwhile,
            seconds,
            ended.and_then(|status| status.code()),
        ))
    };
    let (tally, control) = tokio::join!(load::run(plan), control);
    let (not_ready_after, live_meanwhile, seconds, code) = control?;
    Ok(Shutdown { tally, not_ready_after, live_meanwhile, seconds, code })
}

/// The status of a path, on the connection that is kept while the server keeps it.
async fn status(
    server: &Server,
    kept: &mut Option<Connection>,
    path: &str,
) -> Result<u16, Failure> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(server.address).await?,
    };
    let reply = connection.exchange_within(Duration::from_secs(1), &get(path)).await?;
    let (status, closes) = (reply.status, reply.closes());
    if !closes {
        *kept = Some(connection);
    }
    Ok(status)
}

async fn with_stuck_client(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let mut server = Server::start(bench, &["--drain-timeout", "2"])?;
    let connection = server.connect().await?;
    let _ = connection.send(STUCK).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.signal("TERM")?;
    let told = Instant::now();
    let ended = server.ended(Duration::from_secs(15)).await;
    let seconds = told.elapsed().as_secs_f64();
    findings.hold(
        "end with a client stuck in its body",
        "exit 0 within --drain-timeout 2 + 0.5 s",
        format!("{ended:?} after {seconds:.2} s"),
        ended.is_some_and(|status| status.code() == Some(0)) && seconds <= 2.5,
    );
    Ok(())
}

async fn second_signal(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let mut server = Server::start(bench, &["--drain-delay", "10"])?;
    server.signal("TERM")?;
    let first = server.ended(Duration::from_millis(500)).await;
    server.signal("TERM")?;
    let told = Instant::now();
    let ended = server.ended(Duration::from_secs(5)).await;
    let seconds = told.elapsed().as_secs_f64();
    findings.hold(
        "end after a second signal",
        "within 0.5 s, and not before",
        format!("{ended:?} after {seconds:.2} s"),
        first.is_none() && ended.is_some() && seconds <= 0.5,
    );
    Ok(())
}

/// Signals that come before the server is ready end it all the same.
async fn while_loading(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let mut slowest = 0.0_f64;
    let n = bench.number(20, 5);
    for i in 0..n {
        let mut child = bench
            .on_server_core(&bench.server)
            .arg("serve")
            .arg(&bench.model)
            .args(["--port", "0"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()?;
        tokio::time::sleep(Duration::from_millis(3 * i as u64)).await;
        let told = Instant::now();
        let pid = child.id().to_string();
        std::process::Command::new("kill").args(["-s", "TERM", &pid]).status()?;
        while child.try_wait()?.is_none() && told.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        slowest = slowest.max(told.elapsed().as_secs_f64());
        // Where it has ended there is nothing to kill.
        let _ = child.kill();
        child.wait()?;
    }
    findings.at_most(&format!("slowest end of {n} told to while they load"), 1.0, "s", slowest);
    Ok(())
}
