//! Requirement 15, the long part: everything at once for an hour, and the server is as it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::load::{self, Plan};
use super::overload::ask;
use super::requests::Infer;
use super::server::Server;
use super::{deadlines, fuzz, series};
use crate::console;

/// Part of the time after which memory is as it stays.
const WARM: f64 = 0.25;
/// Clients that leave, and clients that stay and say nothing, in a round.
const RUDE: usize = 50;

/// What the server took at a moment of rest.
struct Sample {
    hours: f64,
    memory: f64,
    files: f64,
    threads: f64,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let capacity = bench.capacity()?;
    let mut server = Server::start(bench, &["--watch", "0"])?;
    let runtime = bench.runtime()?;
    let (start, mut samples) = (Instant::now(), Vec::new());
    let time = bench.seconds(60.0 * bench.minutes, 12.0);
    let (mut good, mut wrong, mut errors, mut round) = (0, 0, 0, 0_u64);
    while start.elapsed() < time {
        let (tally, outcome) = runtime.block_on(one_round(bench, &server, capacity, round))?;
        good += tally.count(200);
        wrong += tally.wrong + outcome.blames + outcome.hangs + outcome.golden_wrong;
        errors += tally.failed();
        if tally.wrong + tally.failed() > 0 {
            console::notice(&tally.trouble());
        }
        anyhow::ensure!(server.is_alive(), "the server is gone: {}", server.last_words());
        // Connections that were killed are cleared away.
        std::thread::sleep(Duration::from_millis(500));
        samples.push(Sample {
            hours: start.elapsed().as_secs_f64() / 3600.0,
            memory: server.memory(),
            files: server.descriptors() as f64,
            threads: server.threads(),
        });
        round += 1;
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let name = |what: &str| format!("{what}, {minutes:.1} min of everything");
    findings.note(&name("rounds and good answers"), format!("{round} and {good}"));
    findings.none(&name("wrong answers, hangs and 5xx for clients' faults"), wrong, "");
    findings.none(&name("requests without an answer"), errors, "");
    let warm = ((samples.len() as f64 * WARM) as usize).min(samples.len().saturating_sub(2));
    let rest = &samples[warm..];
    let memory: Vec<_> = rest.iter().map(|sample| (sample.hours, sample.memory)).collect();
    let most = samples.iter().map(|sample| sample.memory).fold(0.0, f64::max);
    let at = |sample: Option<&Sample>| sample.map_or(f64::NAN, |sample| sample.memory);
    let (first, warm, last) = (at(samples.first()), at(rest.first()), at(rest.last()));
    findings.note(
        &name("resident memory at rest"),
        format!("{first:.1} MiB first, {warm:.1} warm, {last:.1} last, {most:.1} at most"),
    );
    let slope = slope(&memory);
    if bench.quick {
        findings.note(&name("growth of memory"), "too short to tell");
    } else {
        findings.at_most(&name("growth of memory"), 2.0, "MiB/h", slope);
    }
    let all: [(&str, Level); 2] =
        [("open files", |sample| sample.files), ("threads", |sample| sample.threads)];
    for (what, of) in all {
        let half = rest.len() / 2;
        let mean = |part: &[Sample]| part.iter().map(of).sum::<f64>() / part.len().max(1) as f64;
        let (before, after) = (mean(&rest[..half]), mean(&rest[half..]));
        findings.hold(
            &name(&format!("{what}, first and second half")),
            "no more than 2 apart",
            format!("{before:.1} and {after:.1}"),
            (before - after).abs() <= 2.0,
        );
    }
    Ok(())
}

/// One of a sample's numbers.
type Level = fn(&Sample) -> f64;

/// A few seconds of everything: calm and mixed load, a storm, damaged requests, clients that leave
/// or say nothing, a reload.
async fn one_round(
    bench: &Bench,
    server: &Server,
    capacity: f64,
    round: u64,
) -> anyhow::Result<(load::Tally, fuzz::Outcome)> {
    let second = bench.seconds(2.0, 0.5);
    let calm = bench.plan(server.address, Some(0.5 * capacity), second);
    let judge = bench.judge();
    let mut tally = load::run(calm.clone()).await;
    let mixed = Plan {
        requests: Arc::new(series::mixed(bench)?),
        judge: None,
        connections: 16,
        rate: None,
        ..calm.clone()
    };
    tally.add(load::run(mixed).await);
    let storm = Plan {
        rate: Some(3.0 * capacity),
        connections: 1_200,
        judge: Some(judge),
        time: second / 2,
        ..calm.clone()
    };
    tally.add(load::run(storm).await);
    let outcome = fuzz::damaged(bench, server.address, bench.number(2_000, 400), round).await?;

    let request = Infer::binary(bench.pixels(0, 16)).request();
    let mut rude = Vec::new();
    for i in 0..RUDE {
        let connection = Connection::open(server.address).await;
        let connection = connection.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        // That a rude client finds nobody to be rude to is no matter.
        let _ = connection.send(if i % 2 == 0 { &request } else { deadlines::STUCK }).await;
        rude.push(connection);
    }
    tally.add(load::run(calm).await);
    rude.into_iter().for_each(Connection::kill);
    server.signal("HUP")?;
    let ready = ask(server, &mut None, "/v2/health/ready").await;
    anyhow::ensure!(ready.is_ok(), "not ready: {ready:?}");
    Ok((tally, outcome))
}

/// How much the second number grows by with the first, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let together: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    together / points.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope() {
        let line: Vec<_> = (0..9).map(|i| (f64::from(i), 3.0 - 2.0 * f64::from(i))).collect();
        assert!((slope(&line) + 2.0).abs() < 1e-12);
    }
}
