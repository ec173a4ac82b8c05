//! Requirement 1: answers over HTTP equal those of the classifier in this process.

use std::sync::Arc;
use std::time::Duration;

use serve_client::Answer;
use serve_client::requests::InferRequest;

use crate::load::Load;
use crate::results::Results;
use crate::setup::{Setup, is_answer_of};

/// Every test image once in the binary form and once in JSON.
pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let n = setup.number(setup.test.len(), setup.test.len().min(1_000));
    for (form, binary) in [("binary", true), ("JSON", false)] {
        let (binary_input, binary_output) = (binary, binary);
        let request = |i| {
            let infer = InferRequest::binary(setup.test.image(i));
            InferRequest { binary_input, binary_output, ..infer }.request()
        };
        let expected = setup.expected.clone();
        let tally = setup.run(Load {
            requests: Arc::new((0..n).map(request).collect()),
            count: n,
            connections: 8,
            check: Some(Arc::new(move |index, reply| {
                Answer::read(reply).is_ok_and(|answer| is_answer_of(&expected, index, &answer))
            })),
            ..setup.load(server.address, None, Duration::from_secs(600))
        });
        let name =
            format!("test images with the same logits and probabilities, bit by bit, in {form}");
        results.all_of(&name, n as u64, tally.count(200) - tally.wrong);
        results.no_errors(&format!("errors in {form}"), &tally);
    }
    Ok(())
}
