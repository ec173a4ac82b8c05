//! Requirement 7: callers whose images are computed together get their own answers, and it pays.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serve_client::requests::InferRequest;
use serve_client::{Answer, Connection, same_bits};

use crate::load::{self, Load};
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::median;

const CALLERS: usize = 64;
/// The most images in a request.
const MOST_IMAGES: usize = 8;
/// What a request may ask for.
const OUTPUTS: [&[&str]; 4] = [&[], &["logits"], &["probabilities"], &["probabilities", "logits"]];

/// 64 callers, each with all test images in its own order, 1 to 8 a request, with an id and outputs of its own.
pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let n = setup.number(setup.test.len(), 300);
    let runtime = setup.runtime()?;
    let before = runtime.block_on(server.metrics())?;
    let callers = (0..CALLERS).map(|caller| call(setup, server.address, caller, n));
    let outcomes = runtime.block_on(join_all(callers));
    let after = runtime.block_on(server.metrics())?;

    let n_requests: usize = outcomes.iter().map(|(n_requests, _)| n_requests).sum();
    let n_images = CALLERS * n;
    let wrong: Vec<_> = outcomes.into_iter().flat_map(|(_, wrong)| wrong).collect();
    results.note(
        "64 callers, 1 to 8 images a request",
        format!("{n_requests} requests, {n_images} images"),
    );
    let example = wrong.first().map_or("", String::as_str);
    results.zero("answers with the bits, id or outputs of another", wrong.len() as u64, example);
    let since = |name| after.since(&before, name, &[]);
    let (computed, executions) =
        (since("serve_lite_pictures_total"), since("serve_lite_executions_total"));
    results.equal("images counted", n_images as f64, computed);
    results.at_least("mean batch size", 1.5, "", computed / executions);
    let within = after.since(&before, "serve_lite_batch_pictures_bucket", &["le=\"32\""]);
    results.zero("batches larger than --micro-batch", (executions - within) as u64, "");
    Ok(())
}

/// One caller: how many requests it made, and what was wrong with the answers.
async fn call(setup: &Setup, address: SocketAddr, caller: usize, n: usize) -> (usize, Vec<String>) {
    let mut random = fastrand::Rng::with_seed(caller as u64);
    let mut order: Vec<_> = (0..setup.test.len()).collect();
    random.shuffle(&mut order);
    let mut images = order.into_iter().take(n).peekable();
    let (mut n_requests, mut wrong, mut kept) = (0, Vec::new(), None);
    while images.peek().is_some() {
        let batch: Vec<_> = images.by_ref().take(random.usize(1..=MOST_IMAGES)).collect();
        let pixels: Vec<u8> = batch.iter().flat_map(|&i| setup.test.image(i)).copied().collect();
        let outputs = random.choice(OUTPUTS).unwrap_or_default();
        let id = format!("{caller}-{n_requests}");
        let (binary_input, binary_output) = (random.u8(..4) > 0, random.u8(..4) > 0);
        let request = InferRequest {
            binary_input,
            binary_output,
            outputs,
            id: &id,
            ..InferRequest::binary(&pixels)
        };
        n_requests += 1;
        match exchange(address, &mut kept, &request.request()).await {
            Ok(answer) if is_own(setup, &answer, &batch, outputs, &id) => {}
            Ok(_) => wrong.push(format!("{id}: {batch:?} {outputs:?}")),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    (n_requests, wrong)
}

async fn exchange(
    address: SocketAddr,
    kept: &mut Option<Connection>,
    request: &[u8],
) -> anyhow::Result<Answer> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(address).await?,
    };
    let answer =
        Answer::read(&connection.exchange_within(Duration::from_secs(30), request).await?)?;
    *kept = Some(connection);
    Ok(answer)
}

fn is_own(setup: &Setup, answer: &Answer, batch: &[usize], outputs: &[&str], id: &str) -> bool {
    let n_classes = setup.expected.classes;
    let all =
        [("logits", &setup.expected.logits), ("probabilities", &setup.expected.probabilities)];
    answer.id() == id
        && all.iter().all(|(name, expected)| {
            let is_asked_for = outputs.is_empty() || outputs.contains(name);
            let rows = batch.iter().flat_map(|&i| &expected[i * n_classes..(i + 1) * n_classes]);
            match answer.output(name) {
                Some(values) => {
                    is_asked_for && same_bits(values, &rows.copied().collect::<Vec<_>>())
                }
                None => !is_asked_for,
            }
        })
}

/// Throughput and latency with micro-batching and without, in turn.
pub(super) fn gain(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let servers = [setup.start(&["--micro-batch", "32"])?, setup.start(&["--micro-batch", "1"])?];
    let runtime = setup.runtime()?;
    let before = runtime.block_on(servers[0].metrics())?;
    let (mut rates, mut latencies) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    let mut n_errors = 0;
    for round in 0..setup.number(7, 3) {
        for side in [round % 2, 1 - round % 2] {
            let saturating = setup.load(servers[side].address, None, setup.seconds(10.0, 1.5));
            let one_client =
                Load { connections: 1, time: setup.seconds(3.0, 0.5), ..saturating.clone() };
            let tally = runtime.block_on(load::run(saturating));
            rates[side].push(tally.rate());
            n_errors += tally.n_errors();
            let tally = runtime.block_on(load::run(one_client));
            latencies[side].push(tally.latency(200, 0.5));
            n_errors += tally.n_errors();
        }
    }
    let after = runtime.block_on(servers[0].metrics())?;
    let since = |name| after.since(&before, name, &[]);
    let [with, without] = rates.map(|rates| median(&rates));
    results.note(
        "64 clients, with and without micro-batching",
        format!("{with:.0} and {without:.0} requests/s"),
    );
    results.at_least(
        "throughput with micro-batching, relative to none",
        1.0,
        "times",
        with / without,
    );
    let batch_size = since("nv_inference_count") / since("nv_inference_exec_count");
    results.at_least("mean batch size", 1.5, "", batch_size);
    let [with, without] = latencies.map(|latencies| median(&latencies));
    results.at_most("what it adds for one client, p50", 0.02, "ms", with - without);
    results.zero("errors", n_errors, "");
    Ok(())
}
