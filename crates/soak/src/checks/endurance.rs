//! Requirement 15, the long part: a mix of everything for an hour, after which the server is as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serve_client::requests::binary;
use serve_client::{Connection, ServerProcess};

use super::deadlines::INCOMPLETE;
use super::fuzz::{self, Outcome};
use super::metrics::mixed_requests;
use super::probe::Probe;
use crate::console;
use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::slope;
use crate::tally::Tally;

/// Fraction of the time after which memory should no longer grow.
const WARM_UP: f64 = 0.25;
/// Clients in a round that disconnect while they wait, or that never complete their request.
const STUCK_CLIENTS: usize = 50;

/// What the server used at a moment of rest.
struct Sample {
    hours: f64,
    memory: f64,
    files: f64,
    threads: f64,
}

type Quantity = fn(&Sample) -> f64;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let capacity = setup.capacity()?;
    let mut server = setup.start(&["--watch", "0"])?;
    let runtime = setup.runtime()?;
    let (start, mut samples) = (Instant::now(), Vec::new());
    let time = setup.seconds(60.0 * setup.minutes, 12.0);
    let (mut answered, mut wrong, mut failed) = (0, 0, 0);
    while start.elapsed() < time {
        let round = samples.len() as u64;
        let (tally, outcome) = runtime.block_on(one_round(setup, &server, capacity, round))?;
        answered += tally.count(200);
        wrong += tally.wrong + outcome.n_wrong();
        failed += tally.n_failures();
        if tally.wrong + tally.n_failures() > 0 {
            console::notice(&tally.errors());
        }
        ensure!(server.exit_status().is_none(), "the server ended: {}", server.log_tail());
        // Until connections that were reset are cleared away.
        std::thread::sleep(Duration::from_millis(500));
        samples.push(Sample {
            hours: start.elapsed().as_secs_f64() / 3600.0,
            memory: server.resident_mib(),
            files: server.n_open_files() as f64,
            threads: server.n_threads(),
        });
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let name = |what: &str| format!("{what}, {minutes:.1} min of everything");
    results.note(&name("rounds and right answers"), format!("{} and {answered}", samples.len()));
    results.zero(&name("wrong answers, hangs and 5xx for errors of clients"), wrong, "");
    results.zero(&name("requests without a reply"), failed, "");
    let warm = ((samples.len() as f64 * WARM_UP) as usize).min(samples.len().saturating_sub(2));
    let rest = &samples[warm..];
    let memory_at = |sample: Option<&Sample>| sample.map_or(f64::NAN, |sample| sample.memory);
    let (first, warm, last) =
        (memory_at(samples.first()), memory_at(rest.first()), memory_at(rest.last()));
    let highest = samples.iter().map(|sample| sample.memory).fold(0.0, f64::max);
    results.note(
        &name("resident memory at rest"),
        format!("{first:.1} MiB first, {warm:.1} warm, {last:.1} last, {highest:.1} at most"),
    );
    if setup.quick {
        results.note(&name("growth of memory"), "too short to tell");
    } else {
        let (hours, memory): (Vec<_>, Vec<_>) =
            rest.iter().map(|sample| (sample.hours, sample.memory)).unzip();
        results.at_most(&name("growth of memory"), 2.0, "MiB/h", slope(&hours, &memory));
    }
    let quantities: [(&str, Quantity); 2] =
        [("open files", |sample| sample.files), ("threads", |sample| sample.threads)];
    let (first_half, second_half) = rest.split_at(rest.len() / 2);
    for (what, value) in quantities {
        let mean = |part: &[Sample]| part.iter().map(value).sum::<f64>() / part.len().max(1) as f64;
        let (before, after) = (mean(first_half), mean(second_half));
        results.require(
            &name(&format!("{what}, mean of first and second half")),
            "no more than 2 apart",
            format!("{before:.1} and {after:.1}"),
            (before - after).abs() <= 2.0,
        );
    }
    Ok(())
}

/// A few seconds of everything: moderate, mixed and excessive load, damaged requests, stuck clients, a reload.
async fn one_round(
    setup: &Setup,
    server: &ServerProcess,
    capacity: f64,
    round: u64,
) -> anyhow::Result<(Tally, Outcome)> {
    let second = setup.seconds(2.0, 0.5);
    let moderate = setup.load(server.address, Some(0.5 * capacity), second);
    let mut tally = load::run(moderate.clone()).await;
    let requests = Arc::new(mixed_requests(setup)?);
    tally.add(
        load::run(Load { requests, check: None, connections: 16, rate: None, ..moderate.clone() })
            .await,
    );
    let (rate, time) = (Some(3.0 * capacity), second / 2);
    tally.add(load::run(Load { rate, connections: 1_200, time, ..moderate.clone() }).await);
    let outcome =
        fuzz::send_damaged(setup, server.address, setup.number(2_000, 400), round).await?;

    let request = binary(setup.pixels(0, 16));
    let mut stuck = Vec::new();
    for i in 0..STUCK_CLIENTS {
        let mut connection = server.connect().await?;
        let _ = connection.send(if i % 2 == 0 { &request } else { INCOMPLETE }).await;
        stuck.push(connection);
    }
    tally.add(load::run(moderate).await);
    stuck.into_iter().for_each(Connection::reset);
    server.signal("HUP")?;
    let ready = Probe::new(server.address).status("/v2/health/ready").await;
    ensure!(ready == Ok(200), "not ready: {ready:?}");
    Ok((tally, outcome))
}
