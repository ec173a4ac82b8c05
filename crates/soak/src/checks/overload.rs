//! Requirement 8: at three times its capacity, the server serves what it can and refuses the rest.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::load::{self, Load, ReplyCheck};
use crate::results::Results;
use crate::setup::Setup;

/// Enough to fill the queue, and that one is free when a request is due.
const CONNECTIONS: usize = 1_536;
/// The server's queue, in images.
const QUEUE: f64 = 1_024.0;
/// Time between two health checks.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// A path that is asked for throughout.
struct Probe {
    path: &'static str,
    client: Client,
    /// The slowest reply with 200, in milliseconds.
    slowest: f64,
    n_failures: u64,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let capacity = setup.capacity()?;
    let server = setup.start(&[])?;
    let moderate = setup.load(server.address, Some(0.5 * capacity), setup.seconds(10.0, 2.0));
    let before = setup.run(moderate.clone());
    let memory_before = server.resident_mib();

    let is_correct = setup.reply_check();
    let check: ReplyCheck = Arc::new(move |index, reply| match reply.status {
        200 => is_correct(index, reply),
        503 => reply.header("retry-after").is_some() && reply.text().contains("queue"),
        _ => false,
    });
    let excessive = Load {
        rate: Some(3.0 * capacity),
        connections: CONNECTIONS,
        check: Some(check),
        ..setup.load(server.address, None, setup.seconds(60.0, 4.0))
    };
    let mut probes = ["/v2/health/live", "/metrics"].map(|path| Probe {
        path,
        client: Client::new(server.address, Duration::from_secs(2)),
        slowest: 0.0,
        n_failures: 0,
    });
    let loads = async {
        let tally = load::run(excessive).await;
        let memory = server.resident_mib();
        tokio::time::sleep(Duration::from_secs(1)).await;
        (tally, memory, load::run(moderate).await)
    };
    let (tally, memory, after) = setup.block_on(async {
        tokio::select! {
            outcome = loads => outcome,
            never = ask(&mut probes) => match never {},
        }
    });

    results.note("sent", format!("{:.0} requests/s for {:.0} s", 3.0 * capacity, tally.seconds));
    results.at_least("accepted requests answered with 200", 0.9 * capacity, "/s", tally.rate());
    let limit = QUEUE / capacity * 1e3 + 10.0;
    results.at_most("p99 of accepted requests", limit, "ms", tally.latency(200, 0.99));
    results.note("refused requests", format!("{} with 503", tally.count(503)));
    results.at_most("p99 of refused requests", 10.0, "ms", tally.latency(503, 0.99));
    let others = tally.n_others([200, 503]) + tally.wrong;
    let name = "replies that are neither right nor 503 with Retry-After for a full queue";
    results.zero(name, others, &tally.errors());
    results.zero("resets and other failures", tally.n_failures() + tally.retried, &tally.errors());
    results.at_most("resident memory at the end", 100.0, "MiB", memory);
    results.note("resident memory before", format!("{memory_before:.1} MiB"));
    for Probe { path, slowest, n_failures, .. } in probes {
        results.at_most(&format!("slowest {path} throughout"), 50.0, "ms", slowest);
        results.zero(&format!("{path} without a reply"), n_failures, "");
    }
    let (before, after) = (before.latency(200, 0.99), after.latency(200, 0.99));
    results.at_most("p99 at 0.5 C, 1 s later", (2.0 * before).max(5.0), "ms", after);
    results.note("p99 at 0.5 C before", format!("{before:.2} ms"));
    Ok(())
}

/// Asks for the probes' paths, again and again.
async fn ask(probes: &mut [Probe]) -> Infallible {
    loop {
        let next = Instant::now() + PROBE_INTERVAL;
        for probe in probes.iter_mut() {
            let start = Instant::now();
            match probe.client.status(probe.path).await {
                Ok(200) => probe.slowest = probe.slowest.max(start.elapsed().as_secs_f64() * 1e3),
                _ => probe.n_failures += 1,
            }
        }
        tokio::time::sleep_until(next.into()).await;
    }
}
