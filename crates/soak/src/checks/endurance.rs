//! Requirement 15, the long part: a mix of everything for an hour, after which the server is as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serve_client::requests::{MODEL, binary, post};
use serve_client::{Connection, ServerProcess};
use statrs::statistics::Statistics;

use super::deadlines::INCOMPLETE;
use super::fuzz::{self, Outcome, Target};
use super::metrics::mixed_requests;
use crate::client::Client;
use crate::console;
use crate::load::Load;
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::slope;
use crate::tally::Tally;

/// Fraction of the time after which memory should no longer grow.
const WARM_UP: f64 = 0.25;
/// Clients in a round that disconnect while they wait, or that never complete their request.
const STUCK_CLIENTS: usize = 50;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let capacity = setup.capacity()?;
    let mut server = setup.start(&["--watch", "0"])?;
    let start = Instant::now();
    // What the server used at rest after every round.
    let (mut hours, mut memory) = (Vec::new(), Vec::new());
    let (mut files, mut threads) = (Vec::new(), Vec::new());
    let time = setup.seconds(60.0 * setup.minutes, 12.0);
    let (mut answered, mut wrong, mut failed) = (0, 0, 0);
    while start.elapsed() < time {
        let (tally, outcome) = one_round(setup, &server, capacity, hours.len() as u64)?;
        answered += tally.count(200);
        wrong += tally.wrong + outcome.n_wrong();
        failed += tally.n_failures();
        if tally.wrong + tally.n_failures() > 0 {
            console::notice(&tally.errors());
        }
        ensure!(server.exit_status().is_none(), "the server ended: {}", server.log_tail());
        // Until connections that were reset are cleared away.
        std::thread::sleep(Duration::from_millis(500));
        hours.push(start.elapsed().as_secs_f64() / 3600.0);
        memory.push(server.resident_mib());
        files.push(server.n_open_files() as f64);
        threads.push(server.n_threads());
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let name = |what: &str| format!("{what}, {minutes:.1} min of everything");
    let n = hours.len();
    results.note(&name("rounds and right answers"), format!("{n} and {answered}"));
    results.zero(&name("wrong answers, hangs and 5xx for errors of clients"), wrong, "");
    results.zero(&name("requests without a reply"), failed, "");
    let warm = ((n as f64 * WARM_UP) as usize).min(n.saturating_sub(2));
    let at = |round: usize| memory.get(round).copied().unwrap_or(f64::NAN);
    let highest = memory.iter().copied().fold(0.0, f64::max);
    let (first, last) = (at(0), at(n.saturating_sub(1)));
    let measured =
        format!("{first:.1} MiB first, {:.1} warm, {last:.1} last, {highest:.1} at most", at(warm));
    results.note(&name("resident memory at rest"), measured);
    if setup.quick {
        results.note(&name("growth of memory"), "too short to tell");
    } else {
        let growth = slope(&hours[warm..], &memory[warm..]);
        results.at_most(&name("growth of memory"), 2.0, "MiB/h", growth);
    }
    for (what, values) in [("open files", &files), ("threads", &threads)] {
        let (first_half, second_half) = values[warm..].split_at((n - warm) / 2);
        let [before, after] = [first_half, second_half].map(|half| half.mean());
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
fn one_round(
    setup: &Setup,
    server: &ServerProcess,
    capacity: f64,
    round: u64,
) -> anyhow::Result<(Tally, Outcome)> {
    let time = setup.seconds(2.0, 0.5);
    let moderate = setup.load(server.address, Some(0.5 * capacity), time);
    let requests = Arc::new(mixed_requests(setup)?);
    let mixed = Load { requests, check: None, connections: 16, rate: None, ..moderate.clone() };
    let (rate, time) = (Some(3.0 * capacity), time / 2);
    let excessive = Load { rate, connections: 1_200, time, ..moderate.clone() };
    let mut tally = Tally::default();
    for load in [moderate.clone(), mixed, excessive] {
        tally.add(setup.run(load));
    }
    let target = Target::Socket(server.address);
    let damaged = fuzz::send_damaged(setup, target, setup.number(2_000, 400), round);
    let outcome = setup.block_on(damaged)?;

    let request = binary(setup.pixels(0, 16));
    let stuck = setup.block_on(async {
        let mut stuck = Vec::new();
        for i in 0..STUCK_CLIENTS {
            let mut connection = server.connect().await?;
            let _ = connection.send(if i % 2 == 0 { &request } else { INCOMPLETE }).await;
            stuck.push(connection);
        }
        anyhow::Ok(stuck)
    })?;
    tally.add(setup.run(moderate));
    stuck.into_iter().for_each(Connection::reset);
    server.signal("HUP")?;
    // A storm of loads, whose clients leave at once.
    let load = post(&format!("/v2/repository/models/{MODEL}/load"), b"");
    setup.block_on(async {
        for _ in 0..STUCK_CLIENTS {
            let _ = server.connect().await?.send(&load).await;
        }
        anyhow::Ok(())
    })?;
    let mut client = Client::new(server.address, Duration::from_secs(2));
    let ready = setup.block_on(client.status("/v2/health/ready"));
    ensure!(ready == Ok(200), "not ready: {ready:?}");
    Ok((tally, outcome))
}
