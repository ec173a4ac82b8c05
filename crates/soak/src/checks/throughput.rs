//! Requirement 5: images a second over HTTP, compared with one thread in process.

use std::sync::Arc;

use serve_client::requests::{InferRequest, binary};

use crate::load::Load;
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::{median, quantile};
use crate::tally::Tally;

/// Images of a large request.
const LARGE: usize = 64;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let binary_load = setup.load(server.address, None, setup.seconds(20.0, 2.0));
    let requests = (0..500).map(|i| InferRequest::json(setup.test.image(i)).request()).collect();
    let json_load = Load { requests: Arc::new(requests), check: None, ..binary_load.clone() };
    let requests = (0..10).map(|i| binary(setup.pixels(i * LARGE, LARGE))).collect();
    let large_load =
        Load { requests: Arc::new(requests), connections: 4, check: None, ..binary_load.clone() };
    let warm_up = Load { time: setup.seconds(2.0, 0.5), ..binary_load.clone() };
    setup.run(warm_up);

    // In turn, so that whatever slows the machine down slows down all of them.
    let (mut rates, mut speeds) = ([const { Vec::new() }; 3], Vec::new());
    let mut all = Tally::default();
    for _ in 0..setup.number(5, 3) {
        speeds.push(setup.measure_speed()?);
        for (rates, load) in rates.iter_mut().zip([&binary_load, &json_load, &large_load]) {
            let tally = setup.run(load.clone());
            rates.push(tally.rate());
            all.add(tally);
        }
    }
    let rounds =
        |rates: &[f64]| format!("{:.0} to {:.0} /s", quantile(rates, 0.0), quantile(rates, 1.0));
    let [binary, json, large] = rates.each_ref().map(|rates| median(rates));
    let speed = median(&speeds);
    results.note("S, one thread in process", format!("{speed:.0} images/s"));
    results.at_least("single images in binary, 64 clients", 0.8 * speed, "/s", binary);
    results.note("rounds of single images in binary", rounds(&rates[0]));
    if speed > 6_500.0 {
        results.at_least("single images in binary, absolute", 5_000.0, "/s", binary);
    }
    results.at_least("single images in JSON, relative to binary", 0.5, "times", json / binary);
    results.note("rounds of single images in JSON", rounds(&rates[1]));
    results.at_least("images in requests of 64", 0.9 * speed, "/s", large * LARGE as f64);
    results.no_errors("errors", &all);
    Ok(())
}
