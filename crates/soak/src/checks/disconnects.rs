//! Requirement 10: nothing is computed for clients that have gone, and nothing of them remains.

use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::requests::Infer;
use super::server::Server;

/// Pictures of each client's request.
const PICTURES: usize = 32;

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let mut server = Server::start(bench, &["--queue", "65536"])?;
    let runtime = bench.runtime()?;
    let n = bench.number(1_000, 300);
    let request = Infer::binary(bench.pixels(0, PICTURES)).request();
    runtime.block_on(async {
        // The first of everything opens files that stay open.
        let mut connection = server.connect().await?;
        let _ = connection.exchange(&request).await;
        drop(connection);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = server.metrics().await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let files = server.descriptors();

        let mut connections = Vec::with_capacity(n);
        for _ in 0..n {
            connections.push(server.connect().await?);
        }
        for connection in &connections {
            let _ = connection.send(&request).await;
        }
        // Until most are where they can be dropped from: the server reads while it computes.
        let sent = Instant::now();
        let mut waiting = 0.0;
        while waiting < 0.5 * (n * PICTURES) as f64 && sent.elapsed() < Duration::from_secs(1) {
            waiting = server.metrics().await?.sum("serve_lite_queued_pictures", &[]);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        connections.into_iter().for_each(Connection::kill);
        let killed = Instant::now();
        let pending = |scrape: &super::scrape::Scrape| {
            scrape.sum("serve_lite_pending_requests", &[])
                + scrape.sum("serve_lite_queued_pictures", &[])
        };
        let mut cleared = None;
        let mut after = server.metrics().await?;
        while killed.elapsed() < Duration::from_secs(5) && cleared.is_none() {
            after = server.metrics().await?;
            // One may be the connection that just asked.
            if pending(&after) == 0.0 && server.descriptors() <= files + 1 {
                cleared = Some(killed.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let since = |name, labels: &[&str]| after.since(&before, name, labels);
        let (sent, executed) = ((n * PICTURES) as f64, since("serve_lite_pictures_total", &[]));
        let dropped = since("serve_lite_dropped_pictures_total", &["reason=\"canceled\""]);
        findings.note(
            "clients killed after sending",
            format!(
                "{n}, {PICTURES} pictures each, {waiting:.0} of them in the queue then: \
                 {executed:.0} executed, {dropped:.0} dropped"
            ),
        );
        findings.hold(
            "pictures dropped for clients that have gone",
            "> 0, and with those executed no more than sent",
            format!("{dropped:.0} of {sent:.0}"),
            dropped > 0.0 && dropped + executed <= sent,
        );
        let part = executed / sent;
        findings.at_most("part of the pictures executed all the same", 0.8, "", part);
        let canceled = since("serve_lite_requests_total", &["code=\"canceled\""]);
        findings.at_least("requests counted as canceled", 1.0, "", canceled);
        let cleared = cleared.map_or(f64::INFINITY, |time| time.as_secs_f64());
        findings.at_most("until queue, pending and open files are as before", 1.0, "s", cleared);
        findings.note("open files before", files.to_string());
        anyhow::Ok(())
    })?;
    findings.alive("the server after them", &mut server);
    Ok(())
}
