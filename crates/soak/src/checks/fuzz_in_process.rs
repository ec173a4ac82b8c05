//! Requirement 3 without sockets: the server's own routes in this process, a million damaged bodies.

use std::sync::Arc;
use std::time::Instant;

use clap::{Args, FromArgMatches};
use hyper::Request;
use serve_lite::{ServeOptions, Service};

use super::bench::Bench;
use super::findings::Findings;
use super::fuzz::{CALLERS, GOLDEN, HANG, Outcome, SEED, is_deadline};
use super::mutate::{Case, mutated, seeds};
use super::random::Random;
use super::requests::Infer;

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let options = ServeOptions::augment_args(clap::Command::new("serve"));
    let options = ServeOptions::from_arg_matches(&options.get_matches_from(["serve"]))?;
    let n = bench.number(1_000_000, 20_000);
    let seeds = Arc::new(seeds(bench)?);
    let golden = Infer::binary(bench.test.image(0));
    let (body, length) = golden.body();
    let length = length.map(|length| (HEADER.to_owned(), length.to_string()));
    let path = seeds.first().map_or("", |seed| seed.path);
    let golden = Arc::new(Case { path, headers: length.into_iter().collect(), body });
    let (logits, probabilities) = bench.rows(0, 1);
    let expected = logits.iter().chain(probabilities).flat_map(|number| number.to_le_bytes());
    let expected: Arc<[u8]> = expected.collect();

    let start = Instant::now();
    let (outcome, crashes) = bench.runtime()?.block_on(async {
        let service = Arc::new(Service::open(&bench.model, &options)?);
        let callers = (0..CALLERS).map(|caller| {
            let (service, seeds, golden) = (service.clone(), seeds.clone(), golden.clone());
            let expected = expected.clone();
            let mut random = Random::new(SEED ^ (caller as u64) << 32);
            tokio::spawn(async move {
                let mut outcome = Outcome::default();
                for i in 0..n / CALLERS {
                    if i % (GOLDEN / CALLERS) == 0 {
                        let answer = answer(&service, &golden).await;
                        let right = answer.is_some_and(|(_, body)| body.ends_with(&expected));
                        outcome.golden += 1;
                        outcome.golden_wrong += u64::from(!right);
                    }
                    one(&service, &mutated(&seeds, &mut random), &mut outcome).await;
                }
                outcome
            })
        });
        let callers: Vec<_> = callers.collect();
        let (mut all, mut crashes) = (Outcome::default(), 0);
        for caller in callers {
            // A panic ends its caller, which is what is counted here.
            match caller.await {
                Ok(outcome) => all.add(outcome),
                Err(_) => crashes += 1,
            }
        }
        anyhow::Ok((all, crashes))
    })?;
    findings.note(
        "damaged bodies in process",
        format!("{n}, seed {SEED}: {} in {:.0} s", outcome.counts(), start.elapsed().as_secs_f64()),
    );
    findings.none("crashes in process", crashes, "a panic");
    outcome.judge("in process", findings);
    Ok(())
}

const HEADER: &str = "Inference-Header-Content-Length";

/// The status and the body of a request's answer; none where it is no HTTP request at all.
async fn answer(service: &Service, case: &Case) -> Option<(u16, Vec<u8>)> {
    let mut request = Request::post(case.path);
    for (name, value) in &case.headers {
        request = request.header(name, value.trim());
    }
    Some(service.answer(request.body(case.body.clone().into()).ok()?).await)
}

async fn one(service: &Service, case: &Case, outcome: &mut Outcome) {
    match tokio::time::timeout(HANG, answer(service, case)).await {
        Err(_) => outcome.hang(&case.request()),
        Ok(None) => outcome.closed += 1,
        Ok(Some((200, _))) => outcome.answers += 1,
        // A deadline that was damaged into a short one passes, and 503 says so.
        Ok(Some((500.., body))) if !is_deadline(&String::from_utf8_lossy(&body)) => {
            outcome.blame(String::from_utf8_lossy(&body).into_owned());
        }
        Ok(Some(_)) => outcome.refusals += 1,
    }
}
