//! Requirement 10: nothing is computed for clients that have disconnected, and nothing of them remains.

use std::time::{Duration, Instant};

use serve_client::requests::binary;
use serve_client::{Connection, Metrics, ServerProcess};

use crate::results::Results;
use crate::setup::Setup;

/// Images of each client's request.
const IMAGES: usize = 32;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&["--queue", "65536"])?;
    let n = setup.number(1_000, 300);
    let request = binary(setup.pixels(0, IMAGES));
    setup.block_on(async {
        // The first request opens files that stay open.
        let _ = server.connect().await?.exchange(&request).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = server.metrics().await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let files = server.n_open_files();

        let mut connections = Vec::with_capacity(n);
        for _ in 0..n {
            connections.push(server.connect().await?);
        }
        for connection in &mut connections {
            let _ = connection.send(&request).await;
        }
        // Until most images are in the queue, from which they can be dropped: the server reads while it computes.
        let sent = Instant::now();
        let mut queued = 0.0;
        while queued < 0.5 * (n * IMAGES) as f64 && sent.elapsed() < Duration::from_secs(1) {
            queued = server.metrics().await?.value("serve_lite_queued_pictures");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        connections.into_iter().for_each(Connection::reset);
        let disconnected = Instant::now();
        let pending = |metrics: &Metrics| {
            metrics.value("serve_lite_pending_requests") + metrics.value("serve_lite_queued_pictures")
        };
        let mut cleared = f64::INFINITY;
        let mut after = server.metrics().await?;
        while disconnected.elapsed() < Duration::from_secs(5) && cleared.is_infinite() {
            after = server.metrics().await?;
            // One file may be the connection that has just asked.
            if pending(&after) == 0.0 && server.n_open_files() <= files + 1 {
                cleared = disconnected.elapsed().as_secs_f64();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let since = |name, labels: &[&str]| after.since(&before, name, labels);
        let (sent, computed) = ((n * IMAGES) as f64, since("serve_lite_pictures_total", &[]));
        let dropped = since("serve_lite_dropped_pictures_total", &["reason=\"canceled\""]);
        results.note(
            "clients that disconnect after sending",
            format!(
                "{n}, {IMAGES} images each, {queued:.0} of them queued by then: {computed:.0} computed, {dropped:.0} \
                 dropped"
            ),
        );
        results.require(
            "images dropped for clients that have disconnected",
            "> 0, and with those computed no more than sent",
            format!("{dropped:.0} of {sent:.0}"),
            dropped > 0.0 && dropped + computed <= sent,
        );
        results.at_most("fraction of the images computed nevertheless", 0.8, "", computed / sent);
        let canceled = since("serve_lite_requests_total", &["code=\"canceled\""]);
        results.at_least("requests counted as canceled", 1.0, "", canceled);
        results.at_most("until queue, pending requests and open files are as before", 1.0, "s", cleared);
        results.note("open files before", files.to_string());
        anyhow::Ok(())
    })?;
    results.still_running("the server afterwards", &mut server);
    half_closed(setup, &server, results)
}

/// Clients that close their sending half after a complete request, and wait for the reply.
fn half_closed(setup: &Setup, server: &ServerProcess, results: &mut Results) -> anyhow::Result<()> {
    let n = setup.number(1_000, 100);
    let answered = setup.block_on(async {
        let mut answered = 0;
        for i in 0..n {
            let mut connection = server.connect().await?;
            let _ = connection.send(&binary(setup.test.image(i))).await;
            connection.finish_sending().await;
            answered +=
                u64::from(connection.receive().await.is_ok_and(|reply| reply.status == 200));
        }
        anyhow::Ok(answered)
    })?;
    results.all_of("clients answered that had closed their sending half", n as u64, answered);
    Ok(())
}
