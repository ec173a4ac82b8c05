//! Loads of models that are many, slow, odd or endless, while the server keeps answering.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::faulty::{biased, slow};
use crate::models::{bytes, halves, int, node, set_property, sides};
use crate::test_server::{TestServer, eventually};
use serve_client::ServerProcess;
use serve_client::requests::*;
use tract_onnx::pb::ModelProto;

fn load() -> Vec<u8> {
    post("/v2/repository/models/mnist/load", b"")
}

/// The time until a request for the label of an image has its answer.
#[track_caller]
fn predict_time(server: &TestServer) -> Duration {
    let start = Instant::now();
    let reply = server
        .ask(&post(PREDICT, &png(200, &[[255; 150], [0; 150]].concat().repeat(100)).unwrap()));
    assert_eq!(reply.status, 200, "{}", reply.text());
    // Large enough to be parsed by another thread than the one that reads it.
    let large: Vec<u8> = (0..20).flat_map(|i| halves(i, 0)).collect();
    assert_eq!(server.ask(&json(&json_body(&large))).status, 200);
    start.elapsed()
}

fn loads(server: &TestServer) -> f64 {
    server.metrics().sum("serve_lite_model_loads_total", &[])
}

#[test]
fn a_storm_of_loads_neither_queues_nor_delays_predictions() {
    let server = TestServer::start(&slow(2), &["--watch", "0"]);
    let before = loads(&server);
    // Clients that leave at once: what a page of another site did.
    for _ in 0..500 {
        server.connect().send(&load());
    }
    let slowest = (0..5).map(|_| predict_time(&server)).max().unwrap();
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    eventually("no load is under way", || {
        let n = loads(&server);
        std::thread::sleep(Duration::from_millis(500));
        n == loads(&server)
    });
    // One at a time, and those that wait share the next. How many there are depends on how fast the requests come.
    assert!(loads(&server) - before < 250.0, "{} loads", loads(&server) - before);
    // Clients that wait all get an answer, from far fewer loads.
    let before = loads(&server);
    let mut waiting: Vec<_> = (0..60).map(|_| server.connect()).collect();
    waiting.iter_mut().for_each(|connection| connection.send(&load()));
    for connection in &mut waiting {
        assert_eq!(connection.receive().unwrap().status, 200);
    }
    assert!(loads(&server) - before < 30.0, "{} loads", loads(&server) - before);
}

#[test]
fn a_storm_of_failing_loads_is_one_line_and_a_count() {
    let server = TestServer::start(&sides(), &["--watch", "0"]);
    server.replace_model(b"not a model");
    for _ in 0..30 {
        assert_eq!(server.ask(&load()).status, 400);
    }
    server.replace_model(&bytes(&biased(2.0)));
    assert_eq!(server.ask(&load()).status, 200);
    let lines = |what: &str| server.log().lines().filter(|line| line.contains(what)).count();
    eventually("the last load is in the log", || lines("was reloaded") == 1);
    assert_eq!(lines("was not reloaded"), 1, "{}", server.log());
    assert!(server.log().contains("unlogged_failures=29"), "{}", server.log());
}

#[test]
fn a_load_that_is_requested_during_another_reads_the_file_again() {
    let server = TestServer::start(&biased(1.0), &["--watch", "0", "--timeout", "25"]);
    server.replace_model(&bytes(&slow(20)));
    let mut first = server.connect();
    first.send(&load());
    std::thread::sleep(Duration::from_millis(30));
    server.replace_model(&bytes(&biased(2.0)));
    assert_eq!(server.ask(&load()).status, 200);
    assert_eq!(server.logits(&halves(0, 0))[2], 2.0);
    assert_eq!(first.receive().unwrap().status, 200);
    assert_eq!(server.metrics().value("serve_lite_model_version"), 3.0);
}

#[test]
fn a_load_that_takes_too_long_is_given_up() {
    let server = TestServer::start(&biased(1.0), &["--watch", "0", "--load-timeout", "0.05"]);
    server.replace_model(&bytes(&slow(200)));
    let reply = server.ask(&load());
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.error().unwrap().contains("given up after 0.05 s"), "{}", reply.text());
    assert_eq!(server.logits(&halves(0, 0))[2], 1.0);
    server.replace_model(&bytes(&biased(2.0)));
    eventually("a good file is loaded", || server.ask(&load()).status == 200);
    assert_eq!(server.logits(&halves(0, 0))[2], 2.0);
}

#[test]
fn a_load_is_waited_for_until_the_deadline() {
    let server = TestServer::start(&sides(), &["--watch", "0", "--timeout", "0.05"]);
    server.replace_model(&bytes(&slow(200)));
    let start = Instant::now();
    let reply = server.ask(&load());
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.header("retry-after").is_some() && start.elapsed() < Duration::from_secs(5));
    assert_eq!(server.ask(&get("/v2/models/mnist/versions/1")).status, 200);
}

/// [`sides`] with other operators after the logits.
fn ending_with(nodes: Vec<tract_onnx::pb::NodeProto>) -> ModelProto {
    let mut model = sides();
    let graph = model.graph.as_mut().unwrap();
    graph.node.pop();
    graph.node.extend(nodes);
    model
}

#[test]
fn odd_files_are_refused_while_predictions_and_later_loads_go_on() {
    let name = |i: usize| if i == 0 { "logits".into() } else { format!("i{i}") };
    let mut many: Vec<_> =
        (0..100_000).map(|i| node("Identity", &[&name(i)], &name(i + 1), vec![])).collect();
    many.push(node("Softmax", &[&name(100_000)], "probabilities", vec![int("axis", -1)]));
    let mut fewer = many[..20_000].to_vec();
    fewer.push(node("Softmax", &[&name(20_000)], "probabilities", vec![int("axis", -1)]));
    let over_batch = node("Softmax", &["logits"], "probabilities", vec![int("axis", 0)]);
    let mut long_name = sides();
    set_property(
        &mut long_name,
        "kiln.classes",
        &format!("[\"a\",\"{}\",\"c\"]", "b".repeat(5_000_000)),
    );
    for watch in ["0", "0.1"] {
        let server = TestServer::start(&biased(1.0), &["--watch", watch]);
        let mut failures = 0.0;
        let mut refused = |what: &str, says: &str| {
            let start = Instant::now();
            let reply = server.ask(&load());
            assert_eq!(reply.status, 400, "{what}: {}", reply.text());
            assert!(reply.error().unwrap().contains(says), "{what}: {}", reply.text());
            assert!(
                reply.text().len() < 1000 && start.elapsed() < Duration::from_secs(8),
                "{what}"
            );
            assert!(predict_time(&server) < Duration::from_secs(5), "{what}");
            assert_eq!(server.ask(&get("/v2/health/ready")).status, 200, "{what}");
            let index = server.ask(&post("/v2/repository/index", b"")).json().unwrap();
            assert!(index[0]["reason"].as_str().unwrap().contains(says), "{what}: {index}");
            failures += 1.0;
            assert!(
                server.metrics().sum("serve_lite_model_loads_total", &["outcome=\"failure\""])
                    >= failures
            );
        };
        std::fs::remove_file(server.model()).unwrap();
        assert!(Command::new("mkfifo").arg(server.model()).status().unwrap().success());
        refused("a pipe", "not a regular file");
        server.replace_model(&bytes(&ending_with(many.clone())));
        refused("100,000 operators", "beside the weights");
        server.replace_model(&bytes(&ending_with(fewer.clone())));
        refused("20,000 operators", "at most 2048 operators");
        server.replace_model(&bytes(&ending_with(vec![over_batch.clone()])));
        refused("a softmax over the batch", "sum");
        server.replace_model(&bytes(&long_name));
        refused("a class name of five million characters", "beside the weights");
        server.replace_model(&bytes(&biased(2.0)));
        assert_eq!(server.ask(&load()).status, 200);
        assert_eq!(server.logits(&halves(0, 0))[2], 2.0);
        let index = server.ask(&post("/v2/repository/index", b"")).json().unwrap();
        assert_eq!(index[0]["reason"], "");
    }
}

#[test]
fn a_server_whose_workers_do_not_return_is_not_ready() {
    let server = TestServer::start(&slow(400), &["--threads", "1", "--timeout", "0.1"]);
    assert_eq!(server.ask(&get("/v2/health/ready")).status, 200);
    assert_eq!(server.ask(&binary(&halves(1, 2))).status, 503);
    eventually("it is not ready", || server.ask(&get("/v2/health/ready")).status == 503);
    assert_eq!(server.ask(&get("/v2/models/mnist/ready")).status, 503);
    assert_eq!(server.ask(&get("/v2/health/live")).status, 200);
    eventually("it is ready again", || server.ask(&get("/v2/health/ready")).status == 200);
}

#[test]
fn a_server_without_file_descriptors_says_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    std::fs::write(&model, bytes(&sides())).unwrap();
    let mut limited = Command::new("prlimit");
    limited.args(["--nofile=30:30", env!("CARGO_BIN_EXE_serve-lite"), "serve"]).arg(&model);
    let server = ServerProcess::start(limited.env_remove("SERVE_LITE_TOKEN")).unwrap();
    let held: Vec<_> = (0..60).map(|_| std::net::TcpStream::connect(server.address)).collect();
    eventually("it runs out", || server.log().contains("connections cannot be accepted"));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(server.log().matches("cannot be accepted").count(), 1, "{}", server.log());
    drop(held);
    eventually("it answers again", || answers(&server));
    assert!(Path::new(&model).exists());
}

fn answers(server: &ServerProcess) -> bool {
    let connection = serve_client::blocking::Connection::open(server.address);
    connection
        .and_then(|mut connection| connection.exchange(&get("/v2")))
        .is_ok_and(|reply| reply.status == 200)
}
