//! Requirement 7: callers whose pictures are executed together get their own answers, and it pays.

use std::time::Duration;

use dataset::PIXELS;

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::load::{self, Plan};
use super::random::Random;
use super::requests::{Answer, Infer, same_bits};
use super::server::Server;
use crate::bench_peers::median;

const CALLERS: usize = 64;
/// The most pictures that a caller asks about at once.
const MOST: usize = 8;
/// What a caller may ask for.
const OUTPUTS: [&[&str]; 4] = [&[], &["logits"], &["probabilities"], &["probabilities", "logits"]];

/// 64 callers, each with all pictures in its own order, in batches of 1 to 8, with an id and
/// outputs of its own.
pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &[])?;
    let n = bench.number(bench.test.len(), 300);
    let runtime = bench.runtime()?;
    let before = runtime.block_on(server.metrics())?;
    let (mut requests, mut pictures, mut wrong) = (0_u64, 0_u64, Vec::new());
    runtime.block_on(async {
        let callers = (0..CALLERS).map(|caller| call(bench, server.address, caller, n));
        for (asked, mistakes) in load::together(callers).await {
            requests += asked;
            pictures += n as u64;
            wrong.extend(mistakes);
        }
    });
    let after = runtime.block_on(server.metrics())?;
    let since = |name| after.since(&before, name, &[]);
    let (executed, runs) =
        (since("serve_lite_pictures_total"), since("serve_lite_executions_total"));
    let example = wrong.first().map_or("", String::as_str);
    findings.note(
        "64 callers in batches of 1 to 8",
        format!("{requests} requests, {pictures} pictures"),
    );
    findings.none("answers with another's bits, id or outputs", wrong.len() as u64, example);
    let counts = format!("{executed:.0} of {pictures}");
    findings.hold("pictures counted", "all", counts, executed == pictures as f64);
    findings.at_least("pictures executed together, mean", 1.5, "", executed / runs);
    let beyond = runs - after.since(&before, "serve_lite_batch_pictures_bucket", &["le=\"32\""]);
    findings.none("executions with more pictures than --micro-batch", beyond as u64, "");
    Ok(())
}

/// One caller: how many requests it made, and what was wrong with the answers.
async fn call(
    bench: &Bench,
    address: std::net::SocketAddr,
    caller: usize,
    n: usize,
) -> (u64, Vec<String>) {
    let mut random = Random::new(caller as u64);
    // An order of its own: a stride that shares no factor with the number of pictures.
    let total = bench.test.len();
    let coprime = |stride: &usize| gcd(*stride, total) == 1;
    let stride = (1 + 2 * caller..).find(coprime).unwrap_or(1);
    let mut order = (0..n).map(|i| (i * stride + 31 * caller) % total).peekable();
    let (mut asked, mut wrong, mut kept) = (0, Vec::new(), None);
    while order.peek().is_some() {
        let batch: Vec<_> = order.by_ref().take(1 + random.below(MOST)).collect();
        let pixels: Vec<u8> = batch.iter().flat_map(|&i| bench.test.image(i)).copied().collect();
        debug_assert_eq!(pixels.len(), batch.len() * PIXELS);
        let outputs = random.one_of(&OUTPUTS).copied().unwrap_or_default();
        let id = format!("{caller}-{asked}");
        let binary_in = random.below(4) > 0;
        let binary_out = random.below(4) > 0;
        let infer = Infer { binary_in, binary_out, outputs, id: &id, ..Infer::binary(&pixels) };
        asked += 1;
        let connection = match kept.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(address).await,
        };
        let Ok(mut connection) = connection else {
            wrong.push("no connection".to_owned());
            continue;
        };
        let reply = connection.exchange_within(Duration::from_secs(30), &infer.request()).await;
        let said = match reply {
            Ok(reply) => Answer::read(&reply).map_err(|error| format!("{error:#}")),
            Err(failure) => Err(format!("{failure:?}")),
        };
        match said {
            Ok(answer) => {
                if !is_own(bench, &answer, &batch, outputs, &id) {
                    wrong.push(format!("{id}: {batch:?} {outputs:?}"));
                }
                kept = Some(connection);
            }
            Err(reason) => wrong.push(reason),
        }
    }
    (asked, wrong)
}

fn is_own(bench: &Bench, answer: &Answer, batch: &[usize], outputs: &[&str], id: &str) -> bool {
    let n_classes = bench.expected.classes;
    let all =
        [("logits", &bench.expected.logits), ("probabilities", &bench.expected.probabilities)];
    let wanted = |name: &str| outputs.is_empty() || outputs.contains(&name);
    answer.id == id
        && all.iter().all(|(name, expected)| match answer.outputs.get(*name) {
            Some(numbers) => {
                let rows = numbers.chunks(n_classes);
                let is_row = |(row, &i): (&[f32], &usize)| {
                    same_bits(row, &expected[i * n_classes..(i + 1) * n_classes])
                };
                wanted(name)
                    && numbers.len() == batch.len() * n_classes
                    && rows.zip(batch).all(is_row)
            }
            None => !wanted(name),
        })
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Micro-batching against none, at saturation and for one caller, in turn.
pub(super) fn pays(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let servers = [
        Server::start(bench, &["--micro-batch", "32"])?,
        Server::start(bench, &["--micro-batch", "1"])?,
    ];
    let runtime = bench.runtime()?;
    let before = runtime.block_on(servers[0].metrics())?;
    let (mut rates, mut alone) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    let mut errors = 0;
    for round in 0..bench.number(7, 3) {
        // Whoever goes first goes second the next time.
        for side in [round % 2, 1 - round % 2] {
            let saturated = bench.plan(servers[side].address, None, bench.seconds(10.0, 1.5));
            let one = Plan { connections: 1, time: bench.seconds(3.0, 0.5), ..saturated.clone() };
            let tally = runtime.block_on(load::run(saturated));
            rates[side].push(tally.rate());
            errors += tally.errors();
            let tally = runtime.block_on(load::run(one));
            alone[side].push(tally.latency(200, 0.5));
            errors += tally.errors();
        }
    }
    let after = runtime.block_on(servers[0].metrics())?;
    let since = |name| after.since(&before, name, &[]);
    let mean = since("nv_inference_count") / since("nv_inference_exec_count");
    let middle = |values: &[f64]| median(values).unwrap_or(f64::NAN);
    let [with, without] = [middle(&rates[0]), middle(&rates[1])];
    findings.note(
        "64 callers, with and without micro-batching",
        format!("{with:.0} and {without:.0} requests/s"),
    );
    findings.at_least("micro-batching at saturation, beside none", 1.0, "times", with / without);
    findings.at_least("pictures executed together, mean", 1.5, "", mean);
    let [with, without] = [middle(&alone[0]), middle(&alone[1])];
    findings.at_most("what it adds for one caller, p50", 0.02, "ms", with - without);
    findings.none("errors", errors, "");
    Ok(())
}
