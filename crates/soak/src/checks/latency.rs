//! Requirement 6: latency percentiles below capacity, and what HTTP adds to inference.

use std::time::{Duration, Instant};

use crate::load::Load;
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::{in_turn, median};

/// Fractions of the capacity, and the 99th and 99.9th percentile allowed there, in milliseconds.
const LIMITS: [(f64, Option<f64>, Option<f64>); 4] =
    [(0.25, None, None), (0.5, Some(5.0), Some(20.0)), (0.8, Some(15.0), None), (0.95, None, None)];

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let capacity = setup.capacity()?;
    let server = setup.start(&[])?;
    results.note("C, the capacity", format!("{capacity:.0} requests/s"));
    for (fraction, p99, p999) in LIMITS {
        let rate = fraction * capacity;
        let load = setup.load(server.address, Some(rate), setup.seconds(60.0, 3.0));
        let tally = setup.run(load);
        let [median, p99_measured, p999_measured, highest] =
            [0.5, 0.99, 0.999, 1.0].map(|q| tally.latency(200, q));
        let highest = format!("p99.9 {p999_measured:.2}, highest {highest:.1} ms");
        let measured = format!("p50 {median:.2}, p99 {p99_measured:.2}, {highest}");
        results.note(&format!("{fraction} C, {rate:.0} requests/s"), measured);
        let limits = [("p99", p99, p99_measured), ("p99.9", p999, p999_measured)];
        for (name, limit, measured) in limits {
            if let Some(limit) = limit {
                results.at_most(&format!("{name} at {fraction} C"), limit, "ms", measured);
            }
        }
        results.no_errors(&format!("errors at {fraction} C"), &tally);
    }
    let time = setup.seconds(2.0, 0.5);
    let one_client = Load { connections: 1, ..setup.load(server.address, None, time) };
    let [[over_http], [in_process]] = in_turn(5, |side| match side {
        0 => Ok([setup.run(one_client.clone()).latency(200, 0.5)]),
        _ => Ok([median(&calls_in_process(setup, time)?)]),
    })?;
    results.note("one client, p50 over HTTP", format!("{over_http:.3} ms"));
    results.note("one client, p50 in process", format!("{in_process:.3} ms"));
    results.at_most("what HTTP adds for one client", 0.3, "ms", over_http - in_process);
    Ok(())
}

/// Milliseconds of calls of the classifier in this process, which is pinned to the client's core.
fn calls_in_process(setup: &Setup, time: Duration) -> anyhow::Result<Vec<f64>> {
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < time {
        let pixels = setup.test.image(times.len() % setup.test.len());
        let call = Instant::now();
        std::hint::black_box(setup.classifier.classify(pixels)?);
        times.push(call.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}
