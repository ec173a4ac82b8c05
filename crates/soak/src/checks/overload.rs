//! Requirement 8: three times as much as the server can do, and it does what it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::http::{Connection, Failure};
use super::load::{self, Judge, Plan};
use super::requests::get;
use super::server::Server;

/// Enough that the queue fills up, and that one is free when a request is due.
const CONNECTIONS: usize = 1_536;
/// The server's queue, in pictures.
const QUEUE: f64 = 1_024.0;
/// Ten times a second someone asks whether the server is well.
const PROBE: Duration = Duration::from_millis(100);

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let capacity = bench.capacity()?;
    let server = Server::start(bench, &[])?;
    let runtime = bench.runtime()?;
    let calm = bench.plan(server.address, Some(0.5 * capacity), bench.seconds(10.0, 2.0));
    let before = runtime.block_on(load::run(calm.clone()));
    let memory = server.memory();

    let right = bench.judge();
    let judge: Judge = Arc::new(move |index, reply| match reply.status {
        200 => right(index, reply),
        503 => reply.header("retry-after").is_some() && reply.text().contains("queue"),
        _ => false,
    });
    let storm = Plan {
        rate: Some(3.0 * capacity),
        connections: CONNECTIONS,
        judge: Some(judge),
        ..bench.plan(server.address, None, bench.seconds(60.0, 4.0))
    };
    let stop = Arc::new(AtomicBool::new(false));
    let (tally, probes, most_memory, after) = runtime.block_on(async {
        let storm = async {
            let tally = load::run(storm).await;
            let relieved = Instant::now();
            let memory = server.memory();
            tokio::time::sleep(Duration::from_secs(1).saturating_sub(relieved.elapsed())).await;
            let after = load::run(calm).await;
            stop.store(true, Ordering::Relaxed);
            (tally, memory, after)
        };
        let ((tally, memory, after), probes) = tokio::join!(storm, probe(&server, &stop));
        (tally, probes, memory, after)
    });
    let at = |status, part| tally.latency(status, part);
    findings.note("sent", format!("{:.0} requests/s for {:.0} s", 3.0 * capacity, tally.seconds));
    findings.at_least("good answers", 0.9 * capacity, "/s", tally.rate());
    let most = QUEUE / capacity * 1e3 + 10.0;
    findings.at_most("p99 of the accepted", most, "ms", at(200, 0.99));
    findings.note("refused", format!("{} with 503", tally.count(503)));
    findings.at_most("p99 of the refused", 10.0, "ms", at(503, 0.99));
    let others = tally.answered() - tally.count(200) - tally.count(503) + tally.wrong;
    findings.none(
        "answers that are neither right nor 503 with Retry-After and a full queue",
        others,
        &tally.trouble(),
    );
    let failed = tally.failed() + tally.retried;
    findings.none("resets and other failures", failed, &tally.trouble());
    findings.at_most("resident memory at the end", 100.0, "MiB", most_memory);
    findings.note("resident memory before", format!("{memory:.1} MiB"));
    for (path, worst, failures) in probes {
        findings.at_most(&format!("slowest {path} throughout"), 50.0, "ms", worst);
        findings.none(&format!("{path} without an answer"), failures, "");
    }
    let (before, after) = (before.latency(200, 0.99), after.latency(200, 0.99));
    findings.at_most("p99 at 0.5 C, 1 s after", (2.0 * before).max(5.0), "ms", after);
    findings.note("p99 at 0.5 C before", format!("{before:.2} ms"));
    Ok(())
}

/// Asks for health and metrics until it is stopped: the slowest answer of each, in milliseconds,
/// and how often there was none.
async fn probe(server: &Server, stop: &AtomicBool) -> Vec<(&'static str, f64, u64)> {
    let mut probes = vec![("/v2/health/live", 0.0_f64, 0), ("/metrics", 0.0, 0)];
    let mut kept = [None, None];
    while !stop.load(Ordering::Relaxed) {
        let next = Instant::now() + PROBE;
        for ((path, worst, failures), kept) in probes.iter_mut().zip(&mut kept) {
            let start = Instant::now();
            match ask(server, kept, path).await {
                Ok(()) => *worst = worst.max(start.elapsed().as_secs_f64() * 1e3),
                Err(_) => *failures += 1,
            }
        }
        tokio::time::sleep_until(next.into()).await;
    }
    probes
}

/// Whether a path answers 200; the connection is kept for the next time.
pub(super) async fn ask(
    server: &Server,
    kept: &mut Option<Connection>,
    path: &str,
) -> Result<(), Failure> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(server.address).await?,
    };
    let reply = connection.exchange_within(Duration::from_secs(2), &get(path)).await?;
    let (status, closes) = (reply.status, reply.closes());
    if !closes {
        *kept = Some(connection);
    }
    if status == 200 { Ok(()) } else { Err(Failure::Malformed) }
}
