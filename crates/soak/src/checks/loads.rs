//! Requirement 13, against attackers: requests to load the model, however many, delay no prediction, and pages of other
//! sites cannot send them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serve_client::requests::{MODEL, PREDICT, png, post, request};
use serve_client::{Connection, Failure, Reply, ServerProcess};

use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;

/// Predictions a second beside the storm: those of a few people.
const RATE: f64 = 20.0;
/// The longest that a prediction may take, in milliseconds: the default deadline is ten times as much.
const SLOWEST: f64 = 1_000.0;
/// Callers that wait for the answer to their load, all at once.
const WAITING: usize = 40;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&["--watch", "0"])?;
    foreign_pages(setup, &server, results)?;
    let n = setup.number(2_000, 500);
    let what = format!("{n} loads by clients that leave at once");
    storm(setup, &server, results, &what, leave_at_once(&server, n))?;
    let what = format!("{WAITING} loads by clients that wait");
    let replies = storm(setup, &server, results, &what, wait(&server))?;
    let answered = replies.iter().flatten().filter(|reply| reply.status == 200).count();
    results.all_of("loads answered with 200", WAITING as u64, answered as u64);
    results.still_running("the server afterwards", &mut server);
    Ok(())
}

fn load_request() -> Vec<u8> {
    post(&format!("/v2/repository/models/{MODEL}/load"), b"")
}

/// Predictions of image files beside a storm of loads: how long they take, and how many loads the storm caused.
fn storm<T>(
    setup: &Setup,
    server: &ServerProcess,
    results: &mut Results,
    what: &str,
    storm: impl Future<Output = anyhow::Result<(usize, T)>>,
) -> anyhow::Result<T> {
    let before = setup.metrics(server)?;
    let files: Vec<_> = (0..100)
        .map(|i| Ok(post(PREDICT, &png(28, setup.test.image(i))?)))
        .collect::<anyhow::Result<_>>()?;
    let predictions = Load {
        requests: Arc::new(files),
        check: None,
        connections: 16,
        ..setup.load(server.address, Some(RATE), Duration::from_secs(600))
    };
    let storm = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let outcome = storm.await;
        // Loads that are under way or wait go on without their clients.
        tokio::time::sleep(Duration::from_secs(2)).await;
        outcome
    };
    let (tally, outcome) = setup.block_on(load::run_beside(predictions, storm));
    let (n, outcome) = outcome?;
    results.no_errors(&format!("errors of predictions beside {what}"), &tally);
    let name = format!("slowest prediction beside {what}");
    results.at_most(&name, SLOWEST, "ms", tally.highest_latency());
    let loads = setup.metrics(server)?.since(&before, "serve_lite_model_loads_total", &[]);
    results.at_most(&format!("times that {what} loaded the model"), (n / 2) as f64, "", loads);
    Ok(outcome)
}

async fn leave_at_once(server: &ServerProcess, n: usize) -> anyhow::Result<(usize, ())> {
    let request = load_request();
    for _ in 0..n {
        let mut connection = server.connect().await?;
        let _ = connection.send(&request).await;
    }
    Ok((n, ()))
}

async fn wait(server: &ServerProcess) -> anyhow::Result<(usize, Vec<Result<Reply, Failure>>)> {
    let request = load_request();
    let loads = (0..WAITING).map(|_| async {
        Connection::open(server.address)
            .await?
            .exchange_within(Duration::from_secs(30), &request)
            .await
    });
    Ok((WAITING, join_all(loads).await))
}

/// What a browser sends for a page of another site, and for one whose name was made to lead here.
fn foreign_pages(
    setup: &Setup,
    server: &ServerProcess,
    results: &mut Results,
) -> anyhow::Result<()> {
    let path = format!("/v2/repository/models/{MODEL}/load");
    let of_origin = request("POST", &path, &[("Origin", "https://example.org")], b"");
    let of_site = request("POST", &path, &[("Sec-Fetch-Site", "cross-site")], b"");
    let rebound = b"GET /v2 HTTP/1.1\r\nHost: example.org\r\n\r\n".to_vec();
    let twice = request("GET", "/v2", &[("Host", "localhost")], b"");
    for (what, request, status) in [
        ("a load by a page of another origin", of_origin, 403),
        ("a load by a page of another site", of_site, 403),
        ("a name that is not the server's", rebound, 403),
        ("two Hosts", twice, 400),
    ] {
        let reply = setup.block_on(async {
            anyhow::Ok(
                server.connect().await?.exchange_within(Duration::from_secs(5), &request).await?,
            )
        })?;
        results.require(what, &status.to_string(), reply.summary(), reply.status == status);
    }
    Ok(())
}
