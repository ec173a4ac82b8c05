//! Requirement 11: slow and idle clients do not slow others down, and are disconnected.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serve_client::Connection;
use serve_client::requests::{InferRequest, get};

use crate::client::hold;
use crate::load;
use crate::results::Results;
use crate::setup::Setup;

/// How long the server may keep a slow client, in seconds.
const LIMIT: f64 = 15.0;
/// Slow clients that connect in a second. If all connected at once, the check would measure how fast the client's one
/// thread opens connections.
const ARRIVALS: f64 = 400.0;

/// A request whose headers never end.
const HALF_HEADERS: &[u8] = b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nX-A: ";

/// What a client does slowly.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    HalfHeaders,
    ByteASecond,
    Idle,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let capacity = setup.capacity()?;
    let server = setup.start(&[])?;
    let clients = [(Kind::HalfHeaders, 500), (Kind::ByteASecond, 200), (Kind::Idle, 500)];
    let clients = clients.map(|(kind, n)| (kind, setup.number(n, n / 10)));
    let load = setup.load(server.address, Some(0.5 * capacity), setup.seconds(15.0, 3.0));
    let alone = setup.run(load.clone());
    let request = InferRequest::json(setup.test.image(0)).request();
    let (beside, disconnected) = setup.block_on(async {
        let kinds = clients.iter().flat_map(|&(kind, n)| std::iter::repeat_n(kind, n));
        let slow = kinds.enumerate().map(async |(i, kind)| {
            tokio::time::sleep(Duration::from_secs_f64(i as f64 / ARRIVALS)).await;
            (kind, seconds_until_disconnected(server.address, kind, &request).await)
        });
        tokio::join!(load::run(load), join_all(slow))
    });
    let (p99, p99_alone) = (beside.latency(200, 0.99), alone.latency(200, 0.99));
    results.note("p99 at 0.5 C alone", format!("{p99_alone:.2} ms"));
    // Below a millisecond, twice as long is noise of the clock and the scheduler.
    results.at_most("p99 at 0.5 C beside slow clients", (2.0 * p99_alone).max(2.0), "ms", p99);
    results.no_errors("errors beside slow clients", &beside);
    for (kind, n) in clients {
        let times = disconnected.iter().filter(|(of, _)| *of == kind).map(|(_, seconds)| *seconds);
        let last = times.clone().fold(0.0, f64::max);
        let first = times.fold(f64::INFINITY, f64::min);
        results.note(&format!("first of {n} disconnected, {kind:?}"), format!("{first:.1} s"));
        results.at_most(&format!("last of {n} disconnected, {kind:?}"), LIMIT, "s", last);
    }
    connection_limit(setup, results)
}

/// Is slow until the server closes the connection; infinite if it does not.
async fn seconds_until_disconnected(address: SocketAddr, kind: Kind, request: &[u8]) -> f64 {
    let start = Instant::now();
    let Ok(mut connection) = Connection::open(address).await else { return f64::INFINITY };
    let mut rest = request;
    let _ = match kind {
        Kind::HalfHeaders => connection.send(HALF_HEADERS).await,
        Kind::ByteASecond => {
            let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(0) + 4;
            let (head, body) = request.split_at(end);
            rest = body;
            connection.send(head).await
        }
        Kind::Idle => connection.exchange(&get("/v2/health/live")).await.map(drop),
    };
    while start.elapsed().as_secs_f64() < 2.0 * LIMIT {
        if kind == Kind::ByteASecond
            && let Some((byte, others)) = rest.split_first()
        {
            let _ = connection.send(&[*byte]).await;
            rest = others;
        }
        if tokio::time::timeout(Duration::from_secs(1), connection.wait_for_close()).await.is_ok() {
            return start.elapsed().as_secs_f64();
        }
    }
    f64::INFINITY
}

/// Connections beyond `--max-connections` are refused, and counted.
fn connection_limit(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&["--max-connections", "100"])?;
    setup.block_on(async {
        let (held, replies) = hold(server.address, 150, Duration::from_secs(2)).await;
        let count = |status, closes| {
            let replies = replies.iter().flatten();
            replies.filter(|reply| reply.status == status && reply.closes() == closes).count()
        };
        let (served, refused) = (count(200, false), count(503, true));
        let others = 150 - served - refused;
        results.require(
            "150 connections at --max-connections 100",
            "100 served, 50 refused with 503 and close",
            format!("{served} served, {refused} refused, {others} others"),
            (served, refused, others) == (100, 50, 0),
        );
        drop(held);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let counted = server.metrics().await?.value("serve_lite_refused_connections_total");
        results.equal("refused connections counted", 50.0, counted);
        anyhow::Ok(())
    })
}
