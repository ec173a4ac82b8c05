//! Requirement 3 without sockets: the server's routes in this process, with a million damaged bodies.

use std::sync::Arc;
use std::time::Instant;

use clap::{Args, FromArgMatches};
use hyper::Request;
use serve_client::requests::InferRequest;
use serve_lite::{ServeOptions, Service};

use super::fuzz::{CALLERS, Outcome, SEED, TIME_LIMIT, VALID_INTERVAL, caller_seed};
use crate::mutation::{Case, mutated, valid_requests};
use crate::results::Results;
use crate::setup::Setup;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let options = ServeOptions::augment_args(clap::Command::new("serve"));
    let options = ServeOptions::from_arg_matches(&options.get_matches_from(["serve"]))?;
    let n = setup.number(1_000_000, 20_000);
    let start = Instant::now();
    let (outcome, crashes) = setup.runtime()?.block_on(async {
        let service = Arc::new(Service::open(&setup.model, &options)?);
        let valid: Arc<[_]> = valid_requests(setup)?.into();
        let example = Arc::new(Case::of(&InferRequest::binary(setup.test.image(0))));
        let (logits, probabilities) = setup.rows(0, 1);
        let expected: Arc<[u8]> =
            logits.iter().chain(probabilities).flat_map(|value| value.to_le_bytes()).collect();
        let callers = (0..CALLERS).map(|caller| {
            let (service, valid) = (service.clone(), valid.clone());
            let (example, expected) = (example.clone(), expected.clone());
            let mut random = fastrand::Rng::with_seed(caller_seed(SEED, caller));
            tokio::spawn(async move {
                let mut outcome = Outcome::default();
                for i in 0..n / CALLERS {
                    if i % (VALID_INTERVAL / CALLERS) == 0 {
                        let answer = answer(&service, &example).await;
                        outcome
                            .add_valid(answer.is_some_and(|(_, body)| body.ends_with(&expected)));
                    }
                    send_one(&service, &mutated(&valid, &mut random), &mut outcome).await;
                }
                outcome
            })
        });
        let callers: Vec<_> = callers.collect();
        let (mut all, mut crashes) = (Outcome::default(), 0);
        for caller in callers {
            // A panic ends its caller.
            match caller.await {
                Ok(outcome) => all.add(outcome),
                Err(_) => crashes += 1,
            }
        }
        anyhow::Ok((all, crashes))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    results.note(
        "damaged bodies in process",
        format!("{n}, seed {SEED}: {} in {seconds:.0} s", outcome.counts()),
    );
    results.zero("crashes in process", crashes, "a panic");
    outcome.judge("in process", results);
    Ok(())
}

/// The status and the body of the answer; `None` if the case is not a request that hyper can represent.
async fn answer(service: &Service, case: &Case) -> Option<(u16, Vec<u8>)> {
    let mut request = Request::post(case.path);
    for (name, value) in &case.headers {
        request = request.header(name, value.trim());
    }
    Some(service.answer(request.body(case.body.clone().into()).ok()?).await)
}

async fn send_one(service: &Service, case: &Case, outcome: &mut Outcome) {
    match tokio::time::timeout(TIME_LIMIT, answer(service, case)).await {
        Err(_) => outcome.add_hang(&case.request()),
        Ok(None) => outcome.n_closed += 1,
        Ok(Some((status, body))) => outcome.add_reply(status, &String::from_utf8_lossy(&body)),
    }
}
