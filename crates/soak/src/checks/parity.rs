//! Requirement 1: what comes over HTTP is what the classifier says in this process.

use std::sync::Arc;
use std::time::Duration;

use super::bench::Bench;
use super::findings::Findings;
use super::http::Reply;
use super::load::{self, Plan};
use super::requests::{Answer, Infer};
use super::server::Server;

/// Every test picture once as bytes and once as JSON.
pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &[])?;
    let n = bench.number(bench.test.len(), bench.test.len().min(1_000));
    for form in ["bytes", "JSON"] {
        let infer = |i| match form {
            "JSON" => Infer::json(bench.test.image(i)),
            _ => Infer::binary(bench.test.image(i)),
        };
        let requests = (0..n).map(|i| infer(i).request()).collect();
        let expected = bench.expected.clone();
        let judge = move |index: usize, reply: &Reply<'_>| {
            let row = index * expected.classes..(index + 1) * expected.classes;
            Answer::read(reply).is_ok_and(|answer| {
                answer.is("logits", &expected.logits[row.clone()])
                    && answer.is("probabilities", &expected.probabilities[row])
            })
        };
        let plan = Plan {
            requests: Arc::new(requests),
            count: n,
            connections: 8,
            judge: Some(Arc::new(judge)),
            ..bench.plan(server.address, None, Duration::from_secs(600))
        };
        let tally = bench.runtime()?.block_on(load::run(plan));
        let same = tally.count(200) - tally.wrong;
        findings.hold(
            &format!("test pictures with the same logits and probabilities, to the bit, as {form}"),
            &format!("{n} of {n}"),
            format!("{same} of {n}, {}", tally.trouble()),
            same == n as u64,
        );
    }
    Ok(())
}
