//! Requirement 14: the metrics count what happened, no more and no less, and asking for them costs
//! next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::bench::Bench;
use super::findings::Findings;
use super::load::{self, Plan, Tally};
use super::requests::{Infer, MODEL, http};
use super::scrape::Scrape;
use super::server::Server;
use super::warp;
use crate::bench_peers::median;

const REQUESTS: &str = "serve_lite_requests_total";

/// A request, and what it is to the metrics.
struct Kind {
    request: Vec<u8>,
    predict: bool,
    /// Whether it is for the model that there is.
    known: bool,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &[])?;
    let runtime = bench.runtime()?;
    let kinds = kinds(bench)?;
    let n = bench.number(100_000, 4_000).next_multiple_of(kinds.len());
    let requests = Arc::new(kinds.iter().map(|kind| kind.request.clone()).collect());
    let plan = Plan {
        requests,
        count: n,
        connections: 32,
        judge: None,
        ..bench.plan(server.address, None, Duration::from_secs(600))
    };
    // What is there before anybody asked for a model that does not exist.
    runtime.block_on(load::run(Plan { count: kinds.len(), ..plan.clone() }));
    let before = runtime.block_on(server.metrics())?;
    let tally = runtime.block_on(load::run(plan));
    std::thread::sleep(Duration::from_millis(200));
    let after = runtime.block_on(server.metrics())?;
    findings.none("requests without an answer", tally.failed() + tally.retried, &tally.trouble());
    compare(&before, &after, &tally, &kinds, n, findings);
    scraping(bench, &server, findings)
}

fn compare(
    before: &Scrape,
    after: &Scrape,
    tally: &Tally,
    kinds: &[Kind],
    n: usize,
    findings: &mut Findings,
) {
    let since = |name: &str, labels: &[&str]| after.since(before, name, labels);
    for (status, latencies) in &tally.answers {
        let counted = since(REQUESTS, &[&format!("code=\"{status}\"")]);
        findings.hold(
            &format!("requests counted with {status}"),
            &latencies.len().to_string(),
            format!("{counted:.0}"),
            counted == latencies.len() as f64,
        );
    }
    let of = |fits: &dyn Fn(&Kind) -> bool| {
        (n / kinds.len() * kinds.iter().filter(|kind| fits(kind)).count()) as f64
    };
    let all = |expected: f64, name: &str, counted: f64, findings: &mut Findings| {
        findings.hold(
            name,
            &format!("{expected:.0}"),
            format!("{counted:.0}"),
            expected == counted,
        );
    };
    for (route, is_predict) in [("infer", false), ("predict", true)] {
        let expected = of(&|kind| kind.predict == is_predict);
        let label = format!("route=\"{route}\"");
        all(expected, &format!("requests of {route}"), since(REQUESTS, &[&label]), findings);
        let histogram = since("serve_lite_request_duration_seconds_count", &[&label]);
        all(expected, &format!("durations of {route}"), histogram, findings);
    }
    let success = since("nv_inference_request_success", &[]);
    all(tally.count(200) as f64, "nv_inference_request_success", success, findings);
    let failure = since("nv_inference_request_failure", &[]);
    let name = "nv_inference_request_success and _failure of the model that there is";
    all(of(&|kind| kind.known), name, success + failure, findings);
    let said = format!("{} before, {} after", before.n_series(), after.n_series());
    let same = before.n_series() == after.n_series() && !after.mentions("ghost");
    findings.hold("series, after names that do not exist", "no more than before", said, same);
}

/// Good and bad requests of every route, as bytes.
pub(super) fn mixed(bench: &Bench) -> anyhow::Result<Vec<Vec<u8>>> {
    Ok(kinds(bench)?.into_iter().map(|kind| kind.request).collect())
}

/// Good and bad requests of every route.
fn kinds(bench: &Bench) -> anyhow::Result<Vec<Kind>> {
    let path = format!("/v2/models/{MODEL}/infer");
    let one = bench.test.image(0);
    let infer = |request| Kind { request, predict: false, known: true };
    let stranger = |request| Kind { request, predict: false, known: false };
    let predict = |body: &[u8]| {
        let request = http("POST", "/v1/predict", &[("Content-Type", "image/png")], body);
        Kind { request, predict: true, known: true }
    };
    let mut kinds: Vec<_> =
        (0..8).map(|i| infer(Infer::binary(bench.test.image(i)).request())).collect();
    kinds.push(infer(Infer::json(one).request()));
    kinds.push(infer(Infer::binary(bench.pixels(0, 5)).request()));
    kinds.push(infer(http("POST", &path, &[], b"{")));
    kinds.push(infer(http("POST", &path, &[("Content-Encoding", "br")], b"{}")));
    kinds.push(infer(http("POST", &path, &[], b"{\"inputs\":[]}")));
    kinds.push(stranger(Infer::binary(one).request_to("/v2/models/ghost/infer")));
    kinds.push(stranger(Infer::binary(one).request_to("/v2/models/ghost-2/versions/9/infer")));
    kinds.push(stranger(
        Infer::binary(one).request_to(&format!("/v2/models/{MODEL}/versions/99/infer")),
    ));
    kinds.push(predict(&warp::png(28, one)?));
    kinds.push(predict(b"no picture"));
    kinds.push(predict(&warp::png(28, &[0; 784])?));
    kinds.push(infer(http("POST", &path, &[], b"")));
    Ok(kinds)
}

/// What it costs to ask for the metrics ten times a second.
fn scraping(bench: &Bench, server: &Server, findings: &mut Findings) -> anyhow::Result<()> {
    let runtime = bench.runtime()?;
    let plan = bench.plan(server.address, None, bench.seconds(6.0, 1.0));
    let mut rates = [const { Vec::new() }; 2];
    for round in 0..bench.number(10, 3) {
        for side in [round % 2, 1 - round % 2] {
            let stop = AtomicBool::new(false);
            let scrape = async {
                while side == 1 && !stop.load(Ordering::Relaxed) {
                    server.metrics().await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                anyhow::Ok(())
            };
            let load = async {
                let tally = load::run(plan.clone()).await;
                stop.store(true, Ordering::Relaxed);
                tally
            };
            let (tally, scraped) = runtime.block_on(async { tokio::join!(load, scrape) });
            scraped?;
            rates[side].push(tally.rate());
        }
    }
    let [without, with] = rates.map(|rates| median(&rates).unwrap_or(f64::NAN));
    let cost = 100.0 * (1.0 - with / without);
    findings.at_most("what scraping at 10 Hz costs", 3.0, "%", cost);
    findings.note("with and without", format!("{with:.0} and {without:.0} requests/s"));
    Ok(())
}
