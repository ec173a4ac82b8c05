//! Requirement 8: at three times its capacity, the server serves what it can and refuses the rest.

use std::sync::Arc;
use std::time::Duration;

use crate::load::{self, Load, ReplyCheck};
use crate::results::Results;
use crate::setup::Setup;

/// Enough to fill the queue, and that one is free when a request is due.
const CONNECTIONS: usize = 1_536;
/// The server's queue, in images.
const QUEUE: f64 = 1_024.0;
/// Paths that are asked for throughout.
const PROBED: [&str; 2] = ["/v2/health/live", "/metrics"];

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
    let loads = async {
        let tally = load::run(excessive).await;
        let memory = server.resident_mib();
        tokio::time::sleep(Duration::from_secs(1)).await;
        (tally, memory, load::run(moderate).await)
    };
    let [live, metrics] = PROBED.map(|path| setup.probe(server.address, path));
    let beside = load::run_beside(metrics, load::run_beside(live, loads));
    let (metrics, (live, (tally, memory, after))) = setup.block_on(beside);

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
    for (path, probes) in PROBED.iter().zip([live, metrics]) {
        let slowest = probes.latency(200, 1.0);
        results.at_most(&format!("slowest {path} throughout"), 50.0, "ms", slowest);
        results.no_errors(&format!("{path} without a reply"), &probes);
    }
    let (before, after) = (before.latency(200, 0.99), after.latency(200, 0.99));
    results.at_most("p99 at 0.5 C, 1 s later", (2.0 * before).max(5.0), "ms", after);
    results.note("p99 at 0.5 C before", format!("{before:.2} ms"));
    Ok(())
}
