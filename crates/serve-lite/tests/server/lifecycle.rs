//! Start, shutdown, and replacing the model.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::faulty::{biased, damaged, slow};
use crate::models::{bytes, halves, random_bytes, sides};
use crate::test_server::{TestServer, eventually};
use serve_client::blocking::Connection;
use serve_client::requests::*;

#[test]
fn the_ready_line_names_model_and_address() {
    let mut server = TestServer::start(&sides(), &["--name", "digits"]);
    let expected = format!("digits version 1 at http://127.0.0.1:{}/", server.address.port());
    assert_eq!(server.ready_line, expected);
    server.signal("INT").unwrap();
    assert_eq!(server.end().code(), Some(0));
    assert!(TcpStream::connect(server.address).is_err());
}

#[test]
fn a_draining_server_is_live_and_serves_but_is_not_ready() {
    let mut server = TestServer::start(&sides(), &["--drain-delay", "2"]);
    let mut idle = server.connect();
    assert_eq!(idle.exchange(&get("/v2/health/ready")).unwrap().status, 200);
    server.signal("TERM").unwrap();
    let mut not_ready = None;
    eventually("it is no longer ready", || {
        let reply = server.ask(&get("/v2/health/ready"));
        let is_503 = reply.status == 503;
        not_ready = Some(reply);
        is_503
    });
    not_ready.unwrap().error().unwrap();
    assert_eq!(server.ask(&get("/v2/models/mnist/ready")).status, 503);
    assert_eq!(server.ask(&get("/v2/health/live")).status, 200);
    assert_eq!(server.ask(&binary(&halves(1, 2))).status, 200);
    assert_eq!(server.end().code(), Some(0));
    assert!(idle.is_closed());
}

#[test]
fn accepted_requests_are_answered_before_the_end() {
    let mut server = TestServer::start(&slow(40), &["--threads", "1", "--drain-timeout", "20"]);
    let mut connections: Vec<_> = (0..5).map(|_| server.connect()).collect();
    connections.iter_mut().for_each(|connection| connection.send(&binary(&halves(1, 2))));
    eventually("all have come", || server.received() >= 5.0);
    server.signal("TERM").unwrap();
    for connection in &mut connections {
        let reply = connection.receive().expect("an answer to what was accepted");
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(connection.is_closed());
    }
    assert_eq!(server.end().code(), Some(0));
}

/// A server with a client that never completes its request; `flags` limit how long the server waits.
fn stuck(flags: &[&str]) -> (TestServer, Connection) {
    let flags = [&["--body-timeout", "100", "--header-timeout", "100"], flags].concat();
    let server = TestServer::start(&sides(), &flags);
    let mut client = server.connect();
    let request = binary(&halves(1, 2));
    client.send(&request[..request.len() - 1]);
    // The server has begun to read it once a later request has its answer.
    assert_eq!(server.ask(&request).status, 200);
    (server, client)
}

#[test]
fn a_stuck_client_delays_the_end_no_longer_than_the_drain_timeout() {
    let (mut server, _client) = stuck(&["--drain-timeout", "1"]);
    server.signal("TERM").unwrap();
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut server, _client) = stuck(&["--drain-timeout", "100"]);
    server.signal("TERM").unwrap();
    eventually("it stops listening", || TcpStream::connect(server.address).is_err());
    assert!(server.is_running());
    server.signal("TERM").unwrap();
    server.end();
}

#[test]
fn idle_connections_do_not_delay_the_end() {
    let mut server =
        TestServer::start(&sides(), &["--drain-timeout", "100", "--header-timeout", "100"]);
    let mut idle: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for connection in &mut idle[1..] {
        assert_eq!(connection.exchange(&get("/v2")).unwrap().status, 200);
    }
    server.signal("TERM").unwrap();
    assert_eq!(server.end().code(), Some(0));
}

/// The version that serves, and the logit that tells its model from others.
fn serving(server: &TestServer) -> (String, f32) {
    let (header, tensors) = server.ask(&binary(&halves(0, 0))).tensors().unwrap();
    (header["model_version"].as_str().unwrap().to_owned(), tensors[0][2])
}

#[test]
fn a_new_model_is_loaded_by_signal_by_request_and_by_watching() {
    let load = post("/v2/repository/models/mnist/load", b"");
    let server = TestServer::start(&biased(1.0), &["--watch", "0"]);
    assert_eq!(serving(&server), ("1".into(), 1.0));
    server.replace_model(&bytes(&biased(2.0)));
    server.signal("HUP").unwrap();
    eventually("a signal loads it", || serving(&server) == ("2".into(), 2.0));
    server.replace_model(&bytes(&biased(3.0)));
    let reply = server.ask(&load);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(serving(&server), ("3".into(), 3.0));
    // Only the current version has a path.
    let body = json_body(&halves(0, 0));
    let versioned = |v: u32| post(&format!("/v2/models/mnist/versions/{v}/infer"), body.as_bytes());
    assert_eq!([1, 2, 3, 4].map(|v| server.ask(&versioned(v)).status), [404, 404, 200, 404]);
    assert_eq!(server.ask(&get("/v2/models/mnist")).json().unwrap()["versions"][0], "3");
    let metrics = server.metrics();
    assert_eq!(metrics.value("serve_lite_model_version"), 3.0);
    assert_eq!(metrics.sum("serve_lite_model_loads_total", &["outcome=\"failure\""]), 0.0);
    drop(server);

    let server = TestServer::start(&biased(1.0), &["--watch", "1"]);
    server.replace_model(&bytes(&biased(5.0)));
    eventually("the watcher loads it", || serving(&server) == ("2".into(), 5.0));
}

#[test]
fn a_bad_model_file_is_refused_and_the_old_model_stays() {
    let server = TestServer::start(&biased(1.0), &["--watch", "0"]);
    let good = bytes(&biased(2.0));
    let bad: [(&str, Vec<u8>, &str); 6] = [
        ("half", good[..good.len() / 2].to_vec(), "onnx"),
        ("nothing", Vec::new(), "empty"),
        ("noise", random_bytes(5, 5000), "onnx"),
        ("text", b"version https://git-lfs.github.com/spec/v1".to_vec(), "onnx"),
        ("not a number", bytes(&damaged()), "finite"),
        (
            "no classes",
            bytes(&{
                let mut model = biased(2.0);
                model.metadata_props.clear();
                model
            }),
            "kiln.classes",
        ),
    ];
    let failures = |server: &TestServer| {
        server.metrics().sum("serve_lite_model_loads_total", &["outcome=\"failure\""])
    };
    for (i, (what, file, says)) in bad.iter().enumerate() {
        server.replace_model(file);
        let reply = server.ask(&post("/v2/repository/models/mnist/load", b""));
        assert_eq!(reply.status, 400, "{what}: {}", reply.text());
        assert!(reply.error().unwrap().to_lowercase().contains(says), "{what}: {}", reply.text());
        assert_eq!(serving(&server), ("1".into(), 1.0), "{what}");
        assert_eq!(failures(&server), (i + 1) as f64, "{what}");
        assert_eq!(server.ask(&get("/v2/health/ready")).status, 200, "{what}");
    }
    std::fs::remove_file(server.model()).unwrap();
    let logged = server.log().lines().count();
    server.signal("HUP").unwrap();
    eventually("the signal's failure is counted", || failures(&server) == 7.0);
    eventually("the log says so", || server.log().lines().count() > logged);
    assert_eq!(server.ask(&post("/v2/repository/models/mnist/load", b"")).status, 400);
    assert!(server.log().contains("model.onnx"), "{}", server.log());
    assert_eq!(serving(&server), ("1".into(), 1.0));
    // The next good file becomes version 2.
    server.replace_model(&good);
    assert_eq!(server.ask(&post("/v2/repository/models/mnist/load", b"")).status, 200);
    assert_eq!(serving(&server), ("2".into(), 2.0));
}

/// During reloads every request succeeds, and names the version of the weights that answered it.
#[test]
fn no_request_fails_or_mixes_models_during_reloads() {
    const LOADS: u32 = 20;
    let server = TestServer::start(&biased(1.0), &["--watch", "0"]);
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = server.connect();
                let mut last = 0.0;
                while !done.load(Ordering::Relaxed) {
                    let (header, tensors) =
                        connection.exchange(&binary(&halves(3, 0))).unwrap().tensors().unwrap();
                    let version: f32 = header["model_version"].as_str().unwrap().parse().unwrap();
                    assert_eq!(tensors[0][2], version);
                    assert!(version >= last, "version {version} after {last}");
                    last = version;
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // If this fails, the callers must still end.
        let reloads = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for version in 2..=LOADS {
                server.replace_model(&bytes(&biased(version as f32)));
                let reply = server.ask(&post("/v2/repository/models/mnist/load", b""));
                assert_eq!(reply.status, 200, "{}", reply.text());
                let before = asked.load(Ordering::Relaxed);
                eventually("callers see it", || asked.load(Ordering::Relaxed) > before + 8);
            }
        }));
        done.store(true, Ordering::Relaxed);
        reloads.unwrap();
    });
    assert_eq!(serving(&server), (LOADS.to_string(), LOADS as f32));
}
