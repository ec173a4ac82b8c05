//! Bodies that are too large or too slow, too many connections, requests without the token.

use std::time::{Duration, Instant};

use crate::models::{PIXELS, halves, sides};
use crate::test_server::{TestServer, eventually};
use serve_client::requests::*;

const MIB: usize = 1 << 20;

#[test]
fn a_body_beyond_the_limit_is_refused_in_every_form() {
    let server = TestServer::start(&sides(), &[]);
    let claim = |length: usize| {
        format!("POST {INFER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")
            .into_bytes()
    };
    let packed = |body: Vec<u8>| request("POST", INFER, &[("Content-Encoding", "gzip")], &body);
    let images = vec![0; 4 * MIB / PIXELS * PIXELS + PIXELS];
    for (what, request) in [
        ("a claim of a hundred times as much", claim(400 * MIB)),
        ("a claim beyond memory", claim(1 << 60)),
        ("a byte more", json(&" ".repeat(4 * MIB + 1))),
        ("far more, to its end", json(&" ".repeat(50 * MIB))),
        ("chunks", chunked(INFER, &[], 65536, &vec![b' '; 5 * MIB])),
        ("gzip", packed(gzip(&vec![b' '; 5 * MIB]))),
        ("gzip of far more", packed(gzip(&vec![0; 200 * MIB]))),
        (
            "deflate",
            request("POST", INFER, &[("Content-Encoding", "deflate")], &zlib(&vec![b' '; 5 * MIB])),
        ),
        ("images", binary(&images)),
    ] {
        let start = Instant::now();
        let reply = server.ask(&request);
        assert_eq!(reply.status, 413, "{what}: {}", reply.text());
        assert!(reply.error().unwrap().contains('4'), "{what}: {}", reply.text());
        assert!(start.elapsed() < Duration::from_secs(5), "{what}: {:?}", start.elapsed());
    }
    // A body up to the limit is read, and refused for another reason.
    assert_eq!(server.ask(&json(&" ".repeat(4 * MIB - 1000))).status, 400);
    assert_eq!(server.ask(&packed(gzip(&vec![b' '; 4 * MIB - 1000]))).status, 400);
    assert_eq!(server.ask(&binary(&halves(1, 1))).status, 200);
}

#[test]
fn the_limit_of_bodies_can_be_changed() {
    let server = TestServer::start(&sides(), &["--max-body", "1"]);
    let refused = server.ask(&binary(&vec![0; 1400 * PIXELS]));
    assert_eq!(refused.status, 413);
    assert_eq!(server.ask(&binary(&vec![0; 1000 * PIXELS])).status, 200);
}

#[test]
fn decompression_bombs_do_not_grow_memory() {
    let server = TestServer::start(&sides(), &[]);
    let bomb = request("POST", INFER, &[("Content-Encoding", "gzip")], &gzip(&vec![0; 64 * MIB]));
    let deep = json(&"[".repeat(MIB));
    let large = json(&"0,".repeat(2 * MIB - 100));
    let round = || {
        for request in [&bomb, &deep, &large] {
            assert!(matches!(server.ask(request).status, 400 | 413));
        }
    };
    (0..20).for_each(|_| round());
    let before = server.resident_mib();
    (0..40).for_each(|_| round());
    let after = server.resident_mib();
    assert!(after < before + 8.0, "{before} MiB, then {after} MiB");
}

#[test]
fn slow_clients_are_disconnected_and_others_served() {
    let flags = ["--header-timeout", "1", "--body-timeout", "1"];
    let server = TestServer::start(&sides(), &flags);
    let start = Instant::now();
    let mut headers: Vec<_> = (0..5).map(|_| server.connect()).collect();
    headers.iter_mut().for_each(|c| c.send(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n"));
    let mut bodies: Vec<_> = (0..5).map(|_| server.connect()).collect();
    let request = binary(&halves(1, 1));
    bodies.iter_mut().for_each(|c| c.send(&request[..request.len() - 100]));
    let mut silent: Vec<_> = (0..5).map(|_| server.connect()).collect();
    let mut idle: Vec<_> = (0..5).map(|_| server.connect()).collect();
    idle.iter_mut()
        .for_each(|c| assert_eq!(c.exchange(&get("/v2/health/live")).unwrap().status, 200));
    assert_eq!(server.ask(&request).status, 200);

    for connection in &mut bodies {
        let reply = connection.receive().expect("an answer to half a body");
        assert_eq!(reply.status, 408);
        reply.error().unwrap();
        assert!(connection.is_closed());
    }
    for connection in &mut headers {
        // Without a complete head the server may close the connection or answer 408.
        if let Ok(reply) = connection.receive() {
            assert_eq!(reply.status, 408);
        }
        assert!(connection.is_closed());
    }
    silent.iter_mut().for_each(|connection| assert!(connection.is_closed()));
    idle.iter_mut().for_each(|connection| assert!(connection.is_closed()));
    assert!(start.elapsed() > Duration::from_millis(900), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    eventually("their connections are gone", || {
        server.metrics().value("serve_lite_connections") <= 1.0
    });
}

/// The time limit is on the whole body: single bytes do not extend it.
#[test]
fn a_body_that_arrives_too_slowly_is_refused() {
    let server = TestServer::start(&sides(), &["--body-timeout", "1"]);
    let mut connection = server.connect();
    let request = binary(&halves(1, 1));
    let (start, rest) = request.split_at(request.len() - 400);
    connection.send(start);
    let began = Instant::now();
    for byte in rest {
        if began.elapsed() > Duration::from_millis(1500) {
            break;
        }
        connection.send(&[*byte]);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(connection.receive().map(|reply| reply.status), Ok(408));
}

#[test]
fn connections_beyond_the_limit_get_an_error_message() {
    let server = TestServer::start(&sides(), &["--max-connections", "3"]);
    let mut taken: Vec<_> = (0..3).map(|_| server.connect()).collect();
    taken
        .iter_mut()
        .for_each(|c| assert_eq!(c.exchange(&get("/v2/health/live")).unwrap().status, 200));
    for _ in 0..3 {
        let mut refused = server.connect();
        let reply = refused.exchange(&get("/v2/health/live")).unwrap();
        assert_eq!(reply.status, 503);
        assert!(reply.error().unwrap().contains("connection"), "{}", reply.text());
        assert!(reply.header("retry-after").is_some());
        assert!(refused.is_closed());
    }
    // The first connections still work, and closing one makes room.
    taken
        .iter_mut()
        .for_each(|c| assert_eq!(c.exchange(&get("/v2/health/live")).unwrap().status, 200));
    let metrics = taken[0].exchange(&get("/metrics")).unwrap().text();
    let metrics = serve_client::Metrics::parse(&metrics).unwrap();
    assert_eq!(metrics.value("serve_lite_refused_connections_total"), 3.0);
    assert_eq!(metrics.value("serve_lite_connections"), 3.0);
    taken.pop();
    eventually("there is room again", || {
        let mut connection = server.connect();
        connection.send(&get("/v2/health/live"));
        connection.receive().is_ok_and(|reply| reply.status == 200)
    });
}

#[test]
fn with_a_token_only_health_and_the_page_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "open-sesame\n").unwrap();
    let from_file = TestServer::start(&sides(), &["--token-file", file.to_str().unwrap()]);
    let from_variable =
        TestServer::start_with(&sides(), &[], &[("SERVE_LITE_TOKEN", "open-sesame")]);
    for server in [from_file, from_variable] {
        let open = ["/v2/health/live", "/v2/health/ready", "/", "/page.css", "/page.js"];
        for path in open {
            assert_eq!(server.ask(&get(path)).status, 200, "{path}");
        }
        let body = json_body(&halves(1, 1));
        let closed = [
            ("GET", "/v2"),
            ("GET", "/metrics"),
            ("GET", "/v2/models/mnist"),
            ("GET", "/v2/models/mnist/config"),
            ("POST", INFER),
            ("POST", "/v2/repository/index"),
            ("POST", "/v2/repository/models/mnist/load"),
            ("POST", "/v1/predict"),
        ];
        for (method, path) in closed {
            let ask = |token: Option<&str>| {
                let headers: Vec<_> = token.iter().map(|token| ("Authorization", *token)).collect();
                server.ask(&request(method, path, &headers, body.as_bytes()))
            };
            for wrong in [
                None,
                Some(""),
                Some("Bearer"),
                Some("Bearer "),
                Some("open-sesame"),
                Some("Bearer open-sesam"),
                Some("Bearer open-sesame!"),
                Some("Bearer Open-sesame"),
                Some("Basic open-sesame"),
            ] {
                let reply = ask(wrong);
                assert_eq!(reply.status, 401, "{path} with {wrong:?}");
                assert!(reply.header("www-authenticate").is_some_and(|h| h.starts_with("Bearer")));
                assert!(!reply.error().unwrap().contains("sesame"));
            }
            for right in ["Bearer open-sesame", "bearer open-sesame"] {
                assert_ne!(ask(Some(right)).status, 401, "{path} with {right:?}");
            }
        }
        assert!(!server.log().contains("sesame"), "{}", server.log());
    }
}
