//! Requirement 1: answers over HTTP equal those of the classifier in this process.

use std::sync::Arc;
use std::time::Duration;

use serve_client::requests::InferRequest;
use serve_client::{Answer, Reply};

use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;

/// Every test image once in the binary form and once in JSON.
pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let n = setup.number(setup.test.len(), setup.test.len().min(1_000));
    for form in ["binary", "JSON"] {
        let infer = |i| match form {
            "JSON" => InferRequest::json(setup.test.image(i)),
            _ => InferRequest::binary(setup.test.image(i)),
        };
        let expected = setup.expected.clone();
        let is_right = move |index: usize, reply: &Reply| {
            let row = index * expected.classes..(index + 1) * expected.classes;
            Answer::read(reply).is_ok_and(|answer| {
                answer.has("logits", &expected.logits[row.clone()])
                    && answer.has("probabilities", &expected.probabilities[row])
            })
        };
        let tally = setup.runtime()?.block_on(load::run(Load {
            requests: Arc::new((0..n).map(|i| infer(i).request()).collect()),
            count: n,
            connections: 8,
            check: Some(Arc::new(is_right)),
            ..setup.load(server.address, None, Duration::from_secs(600))
        }));
        let name =
            format!("test images with the same logits and probabilities, bit by bit, in {form}");
        results.all_of(&name, n as u64, tally.count(200) - tally.wrong);
        results.zero(&format!("errors in {form}"), tally.n_errors(), &tally.errors());
    }
    Ok(())
}
