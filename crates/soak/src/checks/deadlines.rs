//! Requirement 9: an answer or a refusal by the deadline, and nothing computed for nobody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::load::{self, Plan};
use super::requests::Infer;
use super::scrape::Scrape;
use super::server::Server;
use crate::bench_peers::median;

/// Pictures of the requests that keep the server busy, and how many of them there are at a time.
const BULK: usize = 128;
const BULK_CALLERS: usize = 6;
/// How much later than its deadline an answer may come, in milliseconds.
const GRACE: f64 = 20.0;
/// Deadlines that the callers of single pictures set, in milliseconds.
const DEADLINES: [u64; 4] = [1, 10, 30, 2_000];

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    callers_own(bench, findings)?;
    servers_default(bench, findings)?;
    slow_body(bench, findings)
}

/// Single pictures with deadlines beside bulk that keeps the queue some 80 ms long.
fn callers_own(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &["--queue", "4096"])?;
    let runtime = bench.runtime()?;
    let before = runtime.block_on(server.metrics())?;
    let bulk = bulk(bench, &server, bench.seconds(20.0, 3.0));
    let (bulk, singles) = runtime.block_on(async {
        let singles = DEADLINES.map(|deadline| {
            let infer =
                |i| Infer { timeout: Some(deadline * 1_000), ..Infer::binary(bench.test.image(i)) };
            let requests = Arc::new((0..100).map(|i| infer(i).request()).collect());
            let (connections, rate, judge) = (16, Some(25.0), None);
            load::run(Plan { requests, connections, rate, judge, spins: false, ..bulk.clone() })
        });
        tokio::join!(load::run(bulk.clone()), load::together(singles.into_iter()))
    });
    let mut answered = bulk.count(200) * BULK as u64;
    let mut expired = 0;
    for (deadline, tally) in DEADLINES.iter().zip(&singles) {
        let counts = format!("{} answered, {} refused", tally.count(200), tally.count(503));
        findings.note(&format!("deadline of {deadline} ms in a busy server"), counts);
        let latest = tally.latency(200, 1.0).max(tally.latency(503, 1.0));
        let latest = if latest.is_finite() { latest } else { slowest(tally) };
        let most = *deadline as f64 + GRACE;
        findings.at_most(&format!("slowest answer, deadline of {deadline} ms"), most, "ms", latest);
        let others = tally.answered() - tally.count(200) - tally.count(503) + tally.failed();
        findings.none("neither answered nor refused with 503", others, &tally.trouble());
        answered += tally.count(200);
        expired += tally.count(503);
    }
    findings.none("errors of the bulk", bulk.errors(), &bulk.trouble());
    let after = runtime.block_on(server.metrics())?;
    executed(&before, &after, answered, expired, findings);
    Ok(())
}

/// The slowest answer of any status; the statuses of a load need not all occur.
fn slowest(tally: &load::Tally) -> f64 {
    let all = tally.answers.values().flatten();
    f64::from(all.copied().fold(0.0, f32::max))
}

/// Pictures were executed for those who got an answer, and for nobody else.
fn executed(before: &Scrape, after: &Scrape, answered: u64, expired: u64, findings: &mut Findings) {
    let executed = after.since(before, "serve_lite_pictures_total", &[]);
    let dropped = |reason| after.since(before, "serve_lite_dropped_pictures_total", &[reason]);
    let (dropped, canceled) = (dropped("reason=\"expired\""), dropped("reason=\"canceled\""));
    // A deadline may also pass while the picture is being computed.
    findings.hold(
        "pictures executed",
        &format!("{answered} answered, and few of {expired} refused"),
        format!("{executed:.0}"),
        executed >= answered as f64 && executed <= answered as f64 + 0.1 * expired as f64,
    );
    findings.hold(
        "pictures dropped as expired",
        &format!("nearly {expired}"),
        format!("{dropped:.0}, and {canceled:.0} as canceled"),
        dropped >= 0.9 * expired as f64 && dropped <= expired as f64,
    );
}

/// `--timeout` where callers set none.
fn servers_default(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &["--timeout", "0.05", "--queue", "65536"])?;
    let runtime = bench.runtime()?;
    let before = runtime.block_on(server.metrics())?;
    let plan = Plan { connections: 32, ..bulk(bench, &server, bench.seconds(10.0, 2.0)) };
    let tally = runtime.block_on(load::run(plan));
    let counts = format!("{} answered, {} refused", tally.count(200), tally.count(503));
    findings.note("--timeout 0.05, saturated", counts);
    findings.at_most("slowest answer with --timeout 0.05", 50.0 + GRACE, "ms", slowest(&tally));
    let after = runtime.block_on(server.metrics())?;
    let (answered, expired) = (tally.count(200), tally.count(503));
    executed(&before, &after, answered * BULK as u64, expired * BULK as u64, findings);
    Ok(())
}

/// A body that stops coming.
fn slow_body(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &["--body-timeout", "1"])?;
    let request = Infer::json(bench.test.image(0)).request();
    let half = &request[..request.len() - 100];
    let mut times = Vec::new();
    let mut statuses = Vec::new();
    bench.runtime()?.block_on(async {
        for _ in 0..3 {
            let Ok(mut connection) = Connection::open(server.address).await else { continue };
            let start = Instant::now();
            let answer = async {
                connection.send(half).await?;
                connection.receive().await.map(|reply| reply.status)
            };
            statuses.push(tokio::time::timeout(Duration::from_secs(5), answer).await);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    });
    let all_408 = statuses.iter().all(|status| matches!(status, Ok(Ok(408))));
    findings.hold(
        "a body that stops coming",
        "408 within --body-timeout 1 + 0.1 s",
        format!("{statuses:?} after {:.0} ms", median(&times).unwrap_or(f64::NAN)),
        all_408 && times.len() == 3 && times.iter().all(|time| (900.0..1100.0).contains(time)),
    );
    Ok(())
}

/// Requests of many pictures, as fast as they are answered.
fn bulk(bench: &Bench, server: &Server, time: Duration) -> Plan {
    let requests = (0..7).map(|i| Infer::binary(bench.pixels(i * BULK, BULK)).request());
    Plan {
        requests: Arc::new(requests.collect()),
        connections: BULK_CALLERS,
        judge: None,
        ..bench.plan(server.address, None, time)
    }
}

/// Half a request, whose rest never comes.
pub(super) const STUCK: &[u8] =
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"inputs\":";
