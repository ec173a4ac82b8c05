//! Callers whose images share a batch, deadlines, a full queue, clients that disconnect.

use std::time::{Duration, Instant};

use crate::faulty::{grey, overflowing, poisonable, slow, slow_and_poisonable};
use crate::models::{PIXELS, halves, sides};
use crate::test_server::{TestServer, eventually};
use serve_client::Metrics;
use serve_client::blocking::Connection;
use serve_client::requests::*;

/// One image at a time on one core, so that requests soon wait.
const ONE_BY_ONE: [&str; 4] = ["--threads", "1", "--micro-batch", "1"];
/// For requests of many images, which a busy machine may not compute within the default deadline of 10 s.
const NO_DEADLINE: [&str; 2] = ["--timeout", "100"];

/// A request with a deadline, in microseconds.
fn within(timeout: u64, images: &[u8]) -> Vec<u8> {
    InferRequest { timeout: Some(timeout), ..InferRequest::binary(images) }.request()
}

/// Sends a request on each of `n` new connections and waits until the server has all of them.
fn pile_up(server: &TestServer, n: usize) -> Vec<Connection> {
    let before = server.received();
    let mut connections: Vec<_> = (0..n).map(|_| server.connect()).collect();
    connections.iter_mut().for_each(|connection| connection.send(&binary(&halves(1, 2))));
    eventually("all requests have come", || server.received() >= before + n as f64);
    connections
}

#[test]
fn every_caller_gets_the_answers_to_its_own_images() {
    const CALLERS: usize = 16;
    const REQUESTS: usize = 40;
    for flags in [&[][..], &["--micro-batch", "1"], &["--micro-batch", "3"]] {
        let server = TestServer::start(&sides(), flags);
        let images = |caller: usize, request: usize| -> Vec<u8> {
            let n = 1 + (caller + request) % 8;
            (0..n).flat_map(|i| halves(caller * 20 + i, request * 5 + i)).collect()
        };
        std::thread::scope(|scope| {
            for caller in 0..CALLERS {
                let server = &server;
                scope.spawn(move || {
                    let mut connection = server.connect();
                    for request in 0..REQUESTS {
                        let images = images(caller, request);
                        let id = format!("{caller}/{request}");
                        let request_bytes =
                            InferRequest { id: &id, ..InferRequest::binary(&images) }.request();
                        let (header, tensors) =
                            connection.exchange(&request_bytes).unwrap().tensors().unwrap();
                        assert_eq!(header["id"], id);
                        assert_eq!(tensors[0].len(), images.len() / PIXELS * 3);
                        for (i, logits) in tensors[0].chunks_exact(3).enumerate() {
                            let left = (caller * 20 + i) as f32 / 10.0;
                            let right = (request * 5 + i) as f32 / 10.0;
                            assert!((logits[0] - left).abs() < 1e-4, "{logits:?} for {left}");
                            assert!((logits[1] - right).abs() < 1e-4, "{logits:?} for {right}");
                        }
                    }
                });
            }
        });
        let metrics = server.metrics();
        let n: usize = (0..CALLERS).flat_map(|c| (0..REQUESTS).map(move |r| 1 + (c + r) % 8)).sum();
        assert_eq!(metrics.value("serve_lite_pictures_total"), n as f64);
        let executions = metrics.value("serve_lite_executions_total");
        assert!(executions <= (CALLERS * REQUESTS) as f64, "{executions}");
    }
}

#[test]
fn an_image_that_fails_does_not_fail_others() {
    let server = TestServer::start(&slow_and_poisonable(5), &["--threads", "1"]);
    let expected = server.logits(&halves(1, 2));
    let executions = server.metrics().value("serve_lite_executions_total");
    let poisons = [0, 3, 7];
    let mut connections: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for round in 0..4 {
        let is_poison = |i: usize| i == poisons[round % 3] || (round == 3 && i == 5);
        for (i, connection) in connections.iter_mut().enumerate() {
            let image = if is_poison(i) { grey() } else { halves(1, 2) };
            connection.send(&binary(&image));
        }
        for (i, connection) in connections.iter_mut().enumerate() {
            let reply = connection.receive().expect("an answer");
            if is_poison(i) {
                assert_eq!(reply.status, 500, "{}", reply.text());
                assert!(reply.error().unwrap().contains("model"), "{}", reply.text());
            } else {
                assert_eq!(reply.tensors().unwrap().1[0], expected);
            }
        }
    }
    // Without a bad image they are computed in one batch.
    let before = server.metrics().value("serve_lite_executions_total");
    assert!(before > executions);
    for _ in 0..3 {
        connections.iter_mut().for_each(|connection| connection.send(&binary(&halves(1, 2))));
        for connection in &mut connections {
            assert_eq!(connection.receive().unwrap().tensors().unwrap().1[0], expected);
        }
    }
    let metrics = server.metrics();
    let together = metrics.value("serve_lite_executions_total") - before;
    assert!(together < 24.0, "{together} executions of 24 images");
    // Each image counts once, also if it was computed again without the others.
    let counted = metrics.sum("nv_inference_count", &[]);
    assert!((1.0 + 27.0 + 24.0..=1.0 + 32.0 + 24.0).contains(&counted), "{counted} of 57");
    assert_eq!(metrics.sum("serve_lite_requests_total", &["route=\"infer\"", "code=\"500\""]), 5.0);
    assert_eq!(metrics.sum("nv_inference_request_failure", &["reason=\"BACKEND\""]), 5.0);
}

#[test]
fn one_bad_image_fails_its_whole_request_and_no_other() {
    let server = TestServer::start(&poisonable(), &[]);
    let mixed = [halves(1, 2), grey(), halves(3, 4)].concat();
    for request in [binary(&mixed), json(&json_body(&mixed)), raw(&grey())] {
        let reply = server.ask(&request);
        assert_eq!(reply.status, 500, "{}", reply.text());
        reply.error().unwrap();
        assert!(!server.logits(&halves(1, 2)).is_empty());
    }
}

#[test]
fn values_that_json_cannot_express_are_returned_in_binary_only() {
    let server = TestServer::start(&overflowing(), &[]);
    let images = [halves(1, 2), grey()].concat();
    let reply = server.ask(&json(&json_body(&images)));
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert!(reply.error().unwrap().contains("finite"), "{}", reply.text());
    let (_, tensors) = server.ask(&binary(&images)).tensors().unwrap();
    assert!(tensors[0][..3].iter().all(|logit| logit.is_finite()), "{tensors:?}");
    assert!(tensors[0][3..].iter().all(|logit| *logit == f32::INFINITY), "{tensors:?}");
    assert!(tensors[1][3..].iter().any(|probability| probability.is_nan()), "{tensors:?}");
    assert!(server.metrics().value("serve_lite_nonfinite_outputs_total") >= 1.0);
    assert_eq!(server.ask(&json(&json_body(&images[..PIXELS]))).status, 200);
}

#[test]
fn an_expired_request_is_refused_by_its_deadline_and_not_computed() {
    let server = TestServer::start(&slow(40), &ONE_BY_ONE);
    let start = Instant::now();
    assert_eq!(server.ask(&binary(&halves(1, 2))).status, 200);
    let one = start.elapsed();
    let mut waiting = pile_up(&server, 10);
    let start = Instant::now();
    let reply = server.ask(&within(one.as_micros() as u64, &halves(1, 2)));
    let took = start.elapsed();
    assert_eq!(reply.status, 503, "{}", reply.text());
    let message = reply.error().unwrap();
    assert!(message.contains("deadline") || message.contains("time"), "{message}");
    assert!(reply.header("retry-after").is_some());
    assert!(took > one / 2, "{took:?} with {one:?} to go");
    // It did not wait for the requests before it.
    assert!(server.metrics().value("serve_lite_pending_requests") > 1.0, "{took:?} of {one:?}");
    for connection in &mut waiting {
        assert_eq!(connection.receive().unwrap().status, 200);
    }
    let metrics = server.metrics();
    assert_eq!(metrics.value("serve_lite_executions_total"), 11.0);
    assert_eq!(metrics.sum("serve_lite_dropped_pictures_total", &["reason=\"expired\""]), 1.0);
    assert_eq!(metrics.value("serve_lite_pending_requests"), 0.0);
    assert_eq!(metrics.value("serve_lite_queued_pictures"), 0.0);
    // A deadline that is far enough away changes nothing.
    assert_eq!(server.ask(&within(15_000_000, &halves(1, 2))).status, 200);
    assert_eq!(server.ask(&within(1, &halves(1, 2))).status, 503);
}

#[test]
fn the_default_deadline_holds_for_requests_without_one() {
    let flags = [&ONE_BY_ONE[..], &["--timeout", "1"]].concat();
    let server = TestServer::start(&slow(20), &flags);
    let mut connections: Vec<_> = (0..60).map(|_| server.connect()).collect();
    connections.iter_mut().for_each(|connection| connection.send(&binary(&halves(1, 2))));
    let statuses: Vec<_> = connections.iter_mut().map(|c| c.receive().unwrap().status).collect();
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!((1..60).contains(&served), "{served} of 60 served within a second");
    // Some may have begun in time and ended too late.
    let executed = server.metrics().value("serve_lite_executions_total");
    assert!(executed <= served as f64 + 5.0, "{executed} executed for {served}");
}

#[test]
fn a_full_queue_refuses_requests_at_once() {
    for (status, more) in [(503, &[][..]), (429, &["--overload-status", "429"])] {
        let flags = [&ONE_BY_ONE[..], &NO_DEADLINE, &["--queue", "3"], more].concat();
        let server = TestServer::start(&slow(40), &flags);
        // A request larger than the queue is accepted while the queue is empty.
        let large: Vec<u8> = (0..12).flat_map(|i| halves(i, 0)).collect();
        let mut first = server.connect();
        first.send(&binary(&large));
        eventually("the queue is full", || {
            server.metrics().value("serve_lite_queued_pictures") > 3.0
        });
        for _ in 0..5 {
            let reply = server.ask(&binary(&halves(1, 2)));
            assert_eq!(reply.status, status, "{}", reply.text());
            assert!(reply.error().unwrap().contains("queue"), "{}", reply.text());
            assert!(reply.header("retry-after").is_some_and(|s| s.parse::<u32>().is_ok()));
        }
        assert_eq!(server.ask(&get("/v2/health/ready")).status, 200);
        // All of that happened while the first was still waiting.
        let metrics = server.metrics();
        assert_eq!(metrics.value("serve_lite_pending_requests"), 1.0);
        let rejected = metrics.sum("nv_inference_request_failure", &["reason=\"REJECTED\""]);
        assert_eq!(rejected, 5.0);
        assert_eq!(first.receive().unwrap().tensors().unwrap().1[0].len(), 36);
        assert_eq!(server.metrics().value("serve_lite_executions_total"), 12.0);
        // As many as the queue holds are accepted at once, and computed in turn.
        let mut connections = pile_up(&server, 3);
        for connection in &mut connections {
            assert_eq!(connection.receive().unwrap().status, 200);
        }
    }
}

#[test]
fn a_queue_that_was_full_takes_half_as_much_until_it_has_drained() {
    let flags = [&ONE_BY_ONE[..], &NO_DEADLINE, &["--queue", "16"]].concat();
    let server = TestServer::start(&slow(40), &flags);
    let large: Vec<u8> = (0..24).flat_map(|i| halves(i, 0)).collect();
    let mut first = server.connect();
    first.send(&binary(&large));
    let queued = || server.metrics().value("serve_lite_queued_pictures");
    eventually("the queue is full", || queued() > 16.0);
    let mut refused_with_room = 0;
    loop {
        let before = queued();
        let status = server.ask(&binary(&halves(1, 2))).status;
        if status == 200 {
            break;
        }
        assert_eq!(status, 503);
        refused_with_room += u32::from(before < 16.0);
    }
    assert!(refused_with_room > 0, "it offered all its room at once");
    assert_eq!(first.receive().unwrap().status, 200);
    // Once drained, it takes as much as before.
    for connection in &mut pile_up(&server, 16) {
        assert_eq!(connection.receive().unwrap().status, 200);
    }
}

#[test]
fn nothing_is_computed_for_disconnected_clients() {
    let server = TestServer::start(&slow(40), &ONE_BY_ONE);
    assert_eq!(server.ask(&binary(&halves(1, 2))).status, 200);
    eventually("the connection is gone", || {
        server.metrics().value("serve_lite_connections") <= 1.0
    });
    let before = server.n_open_files();
    let left = pile_up(&server, 30);
    drop(left);
    eventually("nothing is pending", || {
        server.metrics().value("serve_lite_pending_requests") == 0.0
    });
    // They are dropped when a worker reaches them.
    let done = |metrics: &Metrics| {
        let executed = metrics.value("serve_lite_executions_total") - 1.0;
        let reason = ["reason=\"canceled\""];
        (executed, metrics.sum("serve_lite_dropped_pictures_total", &reason))
    };
    eventually("all have been executed or dropped", || {
        let (executed, dropped) = done(&server.metrics());
        executed + dropped == 30.0
    });
    let metrics = server.metrics();
    let (executed, dropped) = done(&metrics);
    assert!(executed < 20.0, "{executed} executed, {dropped} dropped");
    assert_eq!(metrics.value("serve_lite_queued_pictures"), 0.0);
    let infer = |code: &str| {
        metrics.sum("serve_lite_requests_total", &["route=\"infer\"", &format!("code=\"{code}\"")])
    };
    assert_eq!(infer("canceled") + infer("200"), 31.0);
    assert!(infer("canceled") >= dropped);
    let canceled = metrics.sum("nv_inference_request_failure", &["reason=\"CANCELED\""]);
    assert_eq!(canceled, infer("canceled"));
    eventually("their sockets are closed", || server.n_open_files() <= before);
    let start = Instant::now();
    assert_eq!(server.ask(&binary(&halves(1, 2))).status, 200);
    assert!(start.elapsed() < Duration::from_secs(10));
}
