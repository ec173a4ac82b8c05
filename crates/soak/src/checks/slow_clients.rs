//! Requirement 11: clients that are slow on purpose take nothing from the others.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::load;
use super::requests::{Infer, get};
use super::server::Server;

/// How long the server may bear with a slow client.
const PATIENCE: f64 = 15.0;
/// Slow clients that open their connections in a second. All in the same moment would measure how fast the client's one
/// thread opens them.
const ARRIVALS: f64 = 400.0;

/// What a client does slowly.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    HalfHeaders,
    ByteASecond,
    Idle,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let capacity = bench.capacity()?;
    let server = Server::start(bench, &[])?;
    let runtime = bench.runtime()?;
    let n = |many, few| bench.number(many, few);
    let crowd = [
        (Kind::HalfHeaders, n(500, 50)),
        (Kind::ByteASecond, n(200, 20)),
        (Kind::Idle, n(500, 50)),
    ];
    let calm = bench.plan(server.address, Some(0.5 * capacity), bench.seconds(15.0, 3.0));
    let alone = runtime.block_on(load::run(calm.clone()));
    let body = Infer::json(bench.test.image(0)).request();
    let (beside, cut) = runtime.block_on(async {
        let clients = crowd.iter().flat_map(|&(kind, n)| std::iter::repeat_n(kind, n));
        let clients: Vec<_> = clients
            .enumerate()
            .map(|(i, kind)| {
                let (address, body) = (server.address, body.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs_f64(i as f64 / ARRIVALS)).await;
                    be_slow(address, kind, body).await
                })
            })
            .collect();
        let beside = load::run(calm).await;
        let mut cut = Vec::new();
        for client in clients {
            cut.extend(client.await);
        }
        (beside, cut)
    });
    let (p99, p99_alone) = (beside.latency(200, 0.99), alone.latency(200, 0.99));
    findings.note("p99 at 0.5 C alone", format!("{p99_alone:.2} ms"));
    // Below a millisecond twice as long is the clock's and the scheduler's noise.
    findings.at_most("p99 at 0.5 C beside them", (2.0 * p99_alone).max(2.0), "ms", p99);
    findings.none("errors beside them", beside.errors(), &beside.trouble());
    for (kind, n) in crowd {
        let times = cut.iter().filter(|(of, _)| *of == kind).map(|(_, seconds)| *seconds);
        let latest = times.clone().fold(0.0, f64::max);
        let earliest = times.fold(f64::INFINITY, f64::min);
        findings.note(&format!("first of {n} cut, {kind:?}"), format!("{earliest:.1} s"));
        findings.at_most(&format!("last of {n} cut, {kind:?}"), PATIENCE, "s", latest);
    }
    cap(bench, findings)
}

/// Is slow until the server has had enough, and says after how many seconds that was.
async fn be_slow(address: SocketAddr, kind: Kind, body: Vec<u8>) -> (Kind, f64) {
    let start = Instant::now();
    let Ok(mut connection) = Connection::open(address).await else { return (kind, f64::NAN) };
    let limit = Duration::from_secs_f64(2.0 * PATIENCE);
    let mut left = &body[..];
    match kind {
        Kind::HalfHeaders => {
            let _ =
                connection.send(b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: x\r\nX-A: ").await;
        }
        Kind::ByteASecond => {
            let head = body.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(0) + 4;
            let _ = connection.send(&body[..head]).await;
            left = &body[head..];
        }
        Kind::Idle => {
            let _ = connection.exchange(&get("/v2/health/live")).await;
        }
    }
    while start.elapsed() < limit {
        if kind == Kind::ByteASecond
            && let Some((byte, rest)) = left.split_first()
        {
            let _ = connection.send(&[*byte]).await;
            left = rest;
        }
        if tokio::time::timeout(Duration::from_secs(1), connection.ended()).await.is_ok() {
            return (kind, start.elapsed().as_secs_f64());
        }
    }
    (kind, f64::INFINITY)
}

/// Connections beyond the cap are refused, and counted.
fn cap(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &["--max-connections", "100"])?;
    bench.runtime()?.block_on(async {
        let (mut held, mut served, mut refused, mut other) = (Vec::new(), 0, 0, 0);
        for _ in 0..150 {
            let mut connection = server.connect().await?;
            let limit = Duration::from_secs(2);
            match connection.exchange_within(limit, &get("/v2/health/live")).await {
                Ok(reply) if reply.status == 200 => served += 1,
                Ok(reply) if reply.status == 503 && reply.closes() => refused += 1,
                _ => other += 1,
            }
            held.push(connection);
        }
        findings.hold(
            "150 connections at --max-connections 100",
            "100 served, 50 refused with 503 and close",
            format!("{served} served, {refused} refused, {other} other"),
            (served, refused, other) == (100, 50, 0),
        );
        drop(held);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let counted = server.metrics().await?.sum("serve_lite_refused_connections_total", &[]);
        findings.hold(
            "refused connections counted",
            "50",
            format!("{counted:.0}"),
            counted == 50.0,
        );
        anyhow::Ok(())
    })
}
