//! Requirement 7: callers whose images are computed together get their own answers, and it pays.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serve_client::requests::InferRequest;
use serve_client::{Answer, same_bits};

use crate::client::Client;
use crate::load::Load;
use crate::results::Results;
use crate::setup::Setup;
use crate::statistics::in_turn;

const CALLERS: usize = 64;
/// The most images in a request.
const MOST_IMAGES: usize = 8;
/// What a request may ask for.
const OUTPUTS: [&[&str]; 4] = [&[], &["logits"], &["probabilities"], &["probabilities", "logits"]];

/// 64 callers, each with all test images in its own order, 1 to 8 a request, with an id and outputs of its own.
pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let n = setup.number(setup.test.len(), 300);
    let before = setup.metrics(&server)?;
    let callers = (0..CALLERS).map(|caller| call(setup, server.address, caller, n));
    let (n_requests, wrong): (Vec<_>, Vec<_>) =
        setup.block_on(join_all(callers)).into_iter().unzip();
    let after = setup.metrics(&server)?;

    let (n_requests, wrong) = (n_requests.iter().sum::<usize>(), wrong.concat());
    let n_images = CALLERS * n;
    let sent = format!("{n_requests} requests, {n_images} images");
    results.note("64 callers, 1 to 8 images a request", sent);
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
    let mut client = Client::new(address, Duration::from_secs(30));
    let (mut n_requests, mut wrong) = (0, Vec::new());
    while images.peek().is_some() {
        let batch: Vec<_> = images.by_ref().take(random.usize(1..=MOST_IMAGES)).collect();
        let pixels: Vec<u8> = batch.iter().flat_map(|&i| setup.test.image(i)).copied().collect();
        let outputs = random.choice(OUTPUTS).unwrap_or_default();
        let id = format!("{caller}-{n_requests}");
        let (binary_input, binary_output) = (random.u8(..4) > 0, random.u8(..4) > 0);
        let request = InferRequest {
            images: &pixels,
            binary_input,
            binary_output,
            outputs,
            id: &id,
            timeout: None,
        };
        n_requests += 1;
        let reply = client.exchange(&request.request()).await;
        match reply.map_err(Into::into).and_then(|reply| Answer::read(&reply)) {
            Ok(answer) if is_own(setup, &answer, &batch, outputs, &id) => {}
            Ok(_) => wrong.push(format!("{id}: {batch:?} {outputs:?}")),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    (n_requests, wrong)
}

fn is_own(setup: &Setup, answer: &Answer, batch: &[usize], outputs: &[&str], id: &str) -> bool {
    let n_classes = setup.expected.classes;
    let all =
        [("logits", &setup.expected.logits), ("probabilities", &setup.expected.probabilities)];
    answer.id() == id
        && all.iter().all(|(name, expected)| {
            let is_asked_for = outputs.is_empty() || outputs.contains(name);
            let rows = batch.iter().flat_map(|&i| &expected[i * n_classes..(i + 1) * n_classes]);
            let rows: Vec<_> = rows.copied().collect();
            answer
                .output(name)
                .map_or(!is_asked_for, |values| is_asked_for && same_bits(values, &rows))
        })
}

/// Throughput and latency with micro-batching and without, in turn.
pub(super) fn gain(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let servers = [setup.start(&["--micro-batch", "32"])?, setup.start(&["--micro-batch", "1"])?];
    let before = setup.metrics(&servers[0])?;
    let mut n_errors = 0;
    let [[with, p50_with], [without, p50_without]] = in_turn(setup.number(7, 3), |side| {
        let load = setup.load(servers[side].address, None, setup.seconds(10.0, 1.5));
        let one_client = Load { connections: 1, time: setup.seconds(3.0, 0.5), ..load.clone() };
        let (saturated, one_client) = (setup.run(load), setup.run(one_client));
        n_errors += saturated.n_errors() + one_client.n_errors();
        Ok([saturated.rate(), one_client.latency(200, 0.5)])
    })?;
    let after = setup.metrics(&servers[0])?;
    let since = |name| after.since(&before, name, &[]);
    let rates = format!("{with:.0} and {without:.0} requests/s");
    results.note("64 clients, with and without micro-batching", rates);
    let name = "throughput with micro-batching, relative to none";
    results.at_least(name, 1.0, "times", with / without);
    let batch_size = since("nv_inference_count") / since("nv_inference_exec_count");
    results.at_least("mean batch size", 1.5, "", batch_size);
    results.at_most("what it adds for one client, p50", 0.02, "ms", p50_with - p50_without);
    results.zero("errors", n_errors, "");
    Ok(())
}
