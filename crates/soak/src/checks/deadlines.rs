//! Requirement 9: a reply or a refusal by the deadline, and nothing computed in vain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serve_client::Metrics;
use serve_client::requests::{InferRequest, binary};

use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;

/// Images of the requests that keep the server busy.
const BULK_IMAGES: usize = 128;
/// How many such requests are sent at a time.
const BULK_CALLERS: usize = 6;
/// How much later than its deadline a reply may come, in milliseconds.
const GRACE: f64 = 20.0;
/// Deadlines of the callers of single images, in milliseconds.
const DEADLINES: [u64; 4] = [1, 10, 30, 2_000];
/// Half a request, whose rest never comes.
pub(super) const INCOMPLETE: &[u8] =
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"inputs\":";

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    deadlines_of_requests(setup, results)?;
    default_deadline(setup, results)?;
    slow_body(setup, results)
}

/// Single images with deadlines, beside bulk requests that keep the queue some 80 ms long.
fn deadlines_of_requests(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&["--queue", "4096"])?;
    let before = setup.metrics(&server)?;
    let bulk = bulk(setup, server.address, setup.seconds(20.0, 3.0));
    let singles = DEADLINES.map(|deadline| {
        let timeout = Some(deadline * 1_000);
        let infer = |i| InferRequest { timeout, ..InferRequest::binary(setup.test.image(i)) };
        let requests = Arc::new((0..100).map(|i| infer(i).request()).collect());
        let rate = Some(25.0);
        load::run(Load { requests, connections: 16, rate, spins: false, ..bulk.clone() })
    });
    let (bulk, singles) =
        setup.block_on(async { tokio::join!(load::run(bulk.clone()), join_all(singles)) });
    let mut answered = bulk.count(200) * BULK_IMAGES as u64;
    let mut expired = 0;
    for (deadline, tally) in DEADLINES.iter().zip(&singles) {
        let counts = format!("{} answered, {} refused", tally.count(200), tally.count(503));
        results.note(&format!("deadline of {deadline} ms in a busy server"), counts);
        let name = format!("slowest reply, deadline of {deadline} ms");
        results.at_most(&name, *deadline as f64 + GRACE, "ms", tally.highest_latency());
        let others = tally.n_others([200, 503]) + tally.n_failures();
        results.zero("neither answered nor refused with 503", others, &tally.errors());
        answered += tally.count(200);
        expired += tally.count(503);
    }
    results.no_errors("errors of the bulk requests", &bulk);
    compare_counts(&before, &setup.metrics(&server)?, answered, expired, results);
    Ok(())
}

/// Images were computed for requests that were answered, and for few others.
fn compare_counts(
    before: &Metrics,
    after: &Metrics,
    answered: u64,
    expired: u64,
    results: &mut Results,
) {
    let computed = after.since(before, "serve_lite_pictures_total", &[]);
    let dropped = |reason| after.since(before, "serve_lite_dropped_pictures_total", &[reason]);
    let (dropped, canceled) = (dropped("reason=\"expired\""), dropped("reason=\"canceled\""));
    // A deadline may also pass while the image is being computed.
    results.require(
        "images computed",
        &format!("{answered} answered, and few of {expired} refused"),
        format!("{computed:.0}"),
        computed >= answered as f64 && computed <= answered as f64 + 0.1 * expired as f64,
    );
    results.require(
        "images dropped as expired",
        &format!("nearly {expired}"),
        format!("{dropped:.0}, and {canceled:.0} as canceled"),
        dropped >= 0.9 * expired as f64 && dropped <= expired as f64,
    );
}

/// The deadline of `--timeout`, for requests without their own.
fn default_deadline(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&["--timeout", "0.05", "--queue", "65536"])?;
    let before = setup.metrics(&server)?;
    let load = Load { connections: 32, ..bulk(setup, server.address, setup.seconds(10.0, 2.0)) };
    let tally = setup.run(load);
    let (answered, expired) = (tally.count(200), tally.count(503));
    results.note("--timeout 0.05, saturated", format!("{answered} answered, {expired} refused"));
    let slowest = tally.highest_latency();
    results.at_most("slowest reply with --timeout 0.05", 50.0 + GRACE, "ms", slowest);
    let [answered, expired] = [answered, expired].map(|n| n * BULK_IMAGES as u64);
    compare_counts(&before, &setup.metrics(&server)?, answered, expired, results);
    Ok(())
}

/// A body that stops coming.
fn slow_body(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&["--body-timeout", "1"])?;
    let request = InferRequest::json(setup.test.image(0)).request();
    let tally = setup.run(Load {
        requests: Arc::new(vec![request[..request.len() - 100].to_vec()]),
        count: 3,
        connections: 1,
        patience: Duration::from_secs(5),
        check: None,
        ..setup.load(server.address, None, Duration::from_secs(60))
    });
    let [first, last] = [0.0, 1.0].map(|fraction| tally.latency(408, fraction));
    results.require(
        "a body that stops coming",
        "408 within --body-timeout 1 + 0.1 s",
        format!("{}, after {first:.0} to {last:.0} ms", tally.errors()),
        tally.count(408) == 3 && first >= 900.0 && last < 1100.0,
    );
    Ok(())
}

/// Requests of many images, as fast as they are answered.
fn bulk(setup: &Setup, address: SocketAddr, time: Duration) -> Load {
    let requests = (0..7).map(|i| binary(setup.pixels(i * BULK_IMAGES, BULK_IMAGES)));
    Load {
        requests: Arc::new(requests.collect()),
        connections: BULK_CALLERS,
        check: None,
        ..setup.load(address, None, time)
    }
}
