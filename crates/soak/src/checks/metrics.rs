//! Requirement 14: the metrics count exactly what happened, and scraping them costs little.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use images::ImageShape;
use serve_client::requests::{
    ENCODING, INFER, InferRequest, PREDICT, binary, json, png, post, request,
};
use serve_client::{Metrics, ServerProcess};

use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::in_turn;
use crate::tally::Tally;

const REQUESTS: &str = "serve_lite_requests_total";

/// A request, and how the metrics must count it.
struct Kind {
    request: Vec<u8>,
    route: &'static str,
    /// Whether it names the model that is served.
    is_known: bool,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let kinds = kinds(setup)?;
    let n = setup.number(100_000, 4_000).next_multiple_of(kinds.len());
    let load = Load {
        requests: Arc::new(kinds.iter().map(|kind| kind.request.clone()).collect()),
        count: n,
        connections: 32,
        check: None,
        ..setup.load(server.address, None, Duration::from_secs(600))
    };
    // Each kind once, so that all series are there before they are compared.
    setup.run(Load { count: kinds.len(), ..load.clone() });
    let before = setup.metrics(&server)?;
    let tally = setup.run(load);
    std::thread::sleep(Duration::from_millis(200));
    let after = setup.metrics(&server)?;
    results.zero("requests without a reply", tally.n_failures() + tally.retried, &tally.errors());
    compare([&before, &after], &tally, &kinds, n, results);
    scraping_cost(setup, &server, results)
}

fn compare(
    [before, after]: [&Metrics; 2],
    tally: &Tally,
    kinds: &[Kind],
    n: usize,
    results: &mut Results,
) {
    let since = |name: &str, labels: &[&str]| after.since(before, name, labels);
    for (status, latencies) in &tally.latencies {
        let counted = since(REQUESTS, &[&format!("code=\"{status}\"")]);
        results.equal(&format!("requests counted with {status}"), latencies.len() as f64, counted);
    }
    let sent = |matches: &dyn Fn(&Kind) -> bool| {
        (n / kinds.len() * kinds.iter().filter(|kind| matches(kind)).count()) as f64
    };
    for route in ["infer", "predict"] {
        let expected = sent(&|kind| kind.route == route);
        let label = format!("route=\"{route}\"");
        results.equal(&format!("requests of {route}"), expected, since(REQUESTS, &[&label]));
        let durations = since("serve_lite_request_duration_seconds_count", &[&label]);
        results.equal(&format!("durations of {route}"), expected, durations);
    }
    let success = since("nv_inference_request_success", &[]);
    results.equal("nv_inference_request_success", tally.count(200) as f64, success);
    let failure = since("nv_inference_request_failure", &[]);
    let name = "nv_inference_request_success and _failure of the served model";
    results.equal(name, sent(&|kind| kind.is_known), success + failure);
    let same = before.names() == after.names() && !after.mentions("ghost");
    let measured = format!("{} before, {} after", before.names().len(), after.names().len());
    let name = "series, after requests for unknown models";
    results.require(name, "the same as before", measured, same);
}

/// Good and bad requests of every route, as bytes.
pub(super) fn mixed_requests(setup: &Setup) -> anyhow::Result<Vec<Vec<u8>>> {
    Ok(kinds(setup)?.into_iter().map(|kind| kind.request).collect())
}

/// Good and bad requests of every route.
fn kinds(setup: &Setup) -> anyhow::Result<Vec<Kind>> {
    let image = setup.test.image(0);
    let width = ImageShape::DIGIT.width;
    let infer = |request| Kind { request, route: "infer", is_known: true };
    let unknown = |path: &str| {
        let request = InferRequest::binary(image).request_to(path);
        Kind { request, route: "infer", is_known: false }
    };
    let predict = |body: &[u8]| {
        let request = request("POST", PREDICT, &[("Content-Type", "image/png")], body);
        Kind { request, route: "predict", is_known: true }
    };
    let mut kinds: Vec<_> = (0..8).map(|i| infer(binary(setup.test.image(i)))).collect();
    kinds.extend([
        infer(InferRequest::json(image).request()),
        infer(binary(setup.pixels(0, 5))),
        infer(json("{")),
        infer(request("POST", INFER, &[(ENCODING, "br")], b"{}")),
        infer(json("{\"inputs\":[]}")),
        infer(post(INFER, b"")),
        unknown("/v2/models/ghost/infer"),
        unknown("/v2/models/ghost-2/versions/9/infer"),
        unknown("/v2/models/mnist/versions/99/infer"),
        predict(&png(width, image)?),
        predict(b"not an image"),
        predict(&png(width, &vec![0; image.len()])?),
    ]);
    Ok(kinds)
}

/// What scraping ten times a second costs in throughput.
fn scraping_cost(
    setup: &Setup,
    server: &ServerProcess,
    results: &mut Results,
) -> anyhow::Result<()> {
    let load = setup.load(server.address, None, setup.seconds(6.0, 1.0));
    let [[without], [with]] = in_turn(setup.number(10, 3), |side| {
        if side == 0 {
            return Ok([setup.run(load.clone()).rate()]);
        }
        let scrapes = setup.probe(server.address, "/metrics");
        let beside = load::run_beside(scrapes, load::run(load.clone()));
        let (scrapes, tally) = setup.block_on(beside);
        ensure!(scrapes.n_errors() == 0, "no metrics: {}", scrapes.errors());
        Ok([tally.rate()])
    })?;
    let cost = 100.0 * (1.0 - with / without);
    results.at_most("throughput that scraping at 10 Hz costs", 3.0, "%", cost);
    results.note("with and without scraping", format!("{with:.0} and {without:.0} requests/s"));
    Ok(())
}
