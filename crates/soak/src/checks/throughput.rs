//! Requirement 5: how much of the machine's speed is left behind HTTP.

use std::sync::Arc;

use super::bench::Bench;
use super::findings::Findings;
use super::load::{self, Plan};
use super::requests::Infer;
use super::server::Server;
use crate::bench_peers::median;

/// Pictures of a large request.
const LARGE: usize = 64;

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &[])?;
    let runtime = bench.runtime()?;
    let binary = bench.plan(server.address, None, bench.seconds(20.0, 2.0));
    let requests = (0..500).map(|i| Infer::json(bench.test.image(i)).request()).collect();
    let json = Plan { requests: Arc::new(requests), judge: None, ..binary.clone() };
    let requests = (0..10).map(|i| Infer::binary(bench.pixels(i * LARGE, LARGE)).request());
    let requests = Arc::new(requests.collect());
    let large = Plan { requests, connections: 4, judge: None, ..binary.clone() };
    let warm_up = Plan { time: bench.seconds(2.0, 0.5), ..binary.clone() };
    runtime.block_on(load::run(warm_up));

    // In turn, so that what slows the machine down slows all of them.
    let mut rates = [const { Vec::new() }; 3];
    let mut speeds = Vec::new();
    let mut errors = 0;
    let mut trouble = String::new();
    for _ in 0..bench.number(5, 3) {
        speeds.push(bench.speed_now()?);
        for (rates, plan) in rates.iter_mut().zip([&binary, &json, &large]) {
            let tally = runtime.block_on(load::run(plan.clone()));
            rates.push(tally.rate());
            errors += tally.errors();
            if tally.errors() > 0 {
                trouble = tally.trouble();
            }
        }
    }
    let [binary, json, large] = rates.map(|rates| {
        let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rates.iter().copied().fold(0.0, f64::max);
        (median(&rates).unwrap_or(0.0), format!("{lowest:.0} to {highest:.0}"))
    });
    let speed = median(&speeds).unwrap_or(0.0);
    findings.note("S, one thread in process", format!("{speed:.0} pictures/s"));
    findings.at_least("single pictures as bytes, 64 callers", 0.8 * speed, "/s", binary.0);
    findings.note("their rounds", binary.1);
    if speed > 6_500.0 {
        findings.at_least("single pictures as bytes, at all events", 5_000.0, "/s", binary.0);
    }
    findings.at_least("single pictures as JSON, beside bytes", 0.5, "times", json.0 / binary.0);
    findings.note("single pictures as JSON", format!("{:.0} /s, rounds {}", json.0, json.1));
    let pictures = large.0 * LARGE as f64;
    findings.at_least("pictures in requests of 64", 0.9 * speed, "/s", pictures);
    findings.none("errors", errors, &trouble);
    Ok(())
}
