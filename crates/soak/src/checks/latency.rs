//! Requirement 6: how long the slowest wait, and what HTTP adds to inference.

use std::time::{Duration, Instant};

use super::bench::Bench;
use super::findings::Findings;
use super::load::{self, Plan};
use super::server::Server;
use crate::bench_peers::median;

/// Parts of the capacity, and the 99th and 99.9th percentile allowed there, in milliseconds.
const PARTS: [(f64, Option<f64>, Option<f64>); 4] =
    [(0.25, None, None), (0.5, Some(5.0), Some(20.0)), (0.8, Some(15.0), None), (0.95, None, None)];

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let capacity = bench.capacity()?;
    let server = Server::start(bench, &[])?;
    let runtime = bench.runtime()?;
    findings.note("C, the capacity", format!("{capacity:.0} requests/s"));
    for (part, p99, p999) in PARTS {
        let rate = part * capacity;
        let plan = bench.plan(server.address, Some(rate), bench.seconds(60.0, 3.0));
        let tally = runtime.block_on(load::run(plan));
        let at = |part| tally.latency(200, part);
        findings.note(
            &format!("{part} C, {rate:.0} requests/s"),
            format!(
                "p50 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.1} ms",
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0)
            ),
        );
        for (name, part_of_answers, most) in [("p99", 0.99, p99), ("p99.9", 0.999, p999)] {
            if let Some(most) = most {
                findings.at_most(&format!("{name} at {part} C"), most, "ms", at(part_of_answers));
            }
        }
        findings.none(&format!("errors at {part} C"), tally.errors(), &tally.trouble());
    }
    let (over_http, in_process) = single(bench, &server)?;
    findings.note("one caller, p50 over HTTP", format!("{over_http:.3} ms"));
    findings.note("one caller, p50 in process", format!("{in_process:.3} ms"));
    findings.at_most("what HTTP adds for one caller", 0.3, "ms", over_http - in_process);
    Ok(())
}

/// Median milliseconds of a picture over HTTP and in process, in turn.
fn single(bench: &Bench, server: &Server) -> anyhow::Result<(f64, f64)> {
    let runtime = bench.runtime()?;
    let turn = bench.seconds(2.0, 0.5);
    let (mut over_http, mut in_process) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let plan = bench.plan(server.address, None, turn);
        let plan = Plan { connections: 1, ..plan };
        over_http.push(runtime.block_on(load::run(plan)).latency(200, 0.5));
        in_process.push(median(&calls(bench, turn)?).unwrap_or(f64::NAN));
    }
    Ok((median(&over_http).unwrap_or(f64::NAN), median(&in_process).unwrap_or(f64::NAN)))
}

/// Milliseconds of calls of the classifier in this process, which rests on the client's core.
fn calls(bench: &Bench, time: Duration) -> anyhow::Result<Vec<f64>> {
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < time {
        let pixels = bench.test.image(times.len() % bench.test.len());
        let call = Instant::now();
        std::hint::black_box(bench.classifier.classify(pixels)?);
        times.push(call.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}
