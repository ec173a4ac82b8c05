//! HTTP/1.1 as clients use it: kept connections, pipelining, chunks, `100 Continue`.

use crate::models::{PIXELS, halves, sides};
use crate::test_server::TestServer;
use serve_client::requests::*;

#[test]
fn a_hundred_requests_in_one_write_are_answered_in_order() {
    let server = TestServer::start(&sides(), &[]);
    let mut connection = server.connect();
    let request = |i: usize| {
        InferRequest { id: &i.to_string(), ..InferRequest::binary(&halves(i, 100 - i)) }.request()
    };
    let expected: Vec<_> = (0..100).map(|i| server.logits(&halves(i, 100 - i))).collect();
    connection.send(&(0..100).flat_map(request).collect::<Vec<u8>>());
    for (i, expected) in expected.iter().enumerate() {
        let (header, tensors) = connection.receive().unwrap().tensors().unwrap();
        assert_eq!(header["id"], i.to_string());
        assert_eq!(&tensors[0], expected);
    }
    // Good and bad requests mixed.
    let mut mixed = request(3);
    mixed.extend(json("no JSON"));
    mixed.extend(get("/nosuch"));
    mixed.extend(request(4));
    connection.send(&mixed);
    let statuses = [0; 4].map(|_| connection.receive().unwrap().status);
    assert_eq!(statuses, [200, 400, 404, 200]);
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let server = TestServer::start(&sides(), &[]);
    let mut connection = server.connect();
    let request = binary(&halves(9, 1));
    let (head, body) = request.split_at(request.len() - PIXELS - 20);
    for byte in head {
        connection.send(&[*byte]);
    }
    for piece in body.chunks(100) {
        connection.send(piece);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert_eq!(connection.receive().unwrap().tensors().unwrap().1[0], server.logits(&halves(9, 1)));
}

#[test]
fn continue_is_sent_only_for_a_body_that_will_be_read() {
    let server = TestServer::start(&sides(), &[]);
    let expecting = |length: usize| {
        format!(
            "POST {INFER} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{JSON_LENGTH}: 0\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let mut connection = server.connect();
    let interim = connection.exchange(expecting(PIXELS).as_bytes()).unwrap();
    assert_eq!(interim.status, 100);
    let reply = connection.exchange(&halves(5, 0)).unwrap();
    assert_eq!(reply.tensors().unwrap().1[0], server.logits(&halves(5, 0)));
    let refused = server.ask(expecting(5 << 20).as_bytes());
    assert_eq!(refused.status, 413);
    refused.error().unwrap();
}

#[test]
fn connections_are_kept_or_closed_as_the_client_asks() {
    let server = TestServer::start(&sides(), &[]);
    let mut kept = server.connect();
    for _ in 0..3 {
        assert_eq!(kept.exchange(&get("/v2/health/live")).unwrap().status, 200);
        assert_eq!(kept.exchange(&get("/nosuch")).unwrap().status, 404);
        assert_eq!(kept.exchange(&json("{}")).unwrap().status, 400);
    }
    let mut closed = server.connect();
    let close = request("GET", "/v2/health/live", &[("Connection", "close")], b"");
    assert_eq!(closed.exchange(&close).unwrap().status, 200);
    assert!(closed.is_closed());
    let mut old = server.connect();
    assert_eq!(old.exchange(b"GET /v2/health/live HTTP/1.0\r\n\r\n").unwrap().status, 200);
    assert!(old.is_closed());
    let mut old = server.connect();
    let head =
        format!("POST {INFER} HTTP/1.0\r\n{JSON_LENGTH}: 0\r\nContent-Length: {PIXELS}\r\n\r\n");
    let reply = old.exchange(&[head.as_bytes(), &halves(5, 0)].concat()).unwrap();
    assert_eq!(reply.tensors().unwrap().1[0], server.logits(&halves(5, 0)));
}

/// `nc -N` and other clients say that they have sent everything, and then wait for the reply.
#[test]
fn a_client_that_closes_its_sending_half_gets_its_reply() {
    let server = TestServer::start(&sides(), &[]);
    let large: Vec<u8> = (0..600).flat_map(|i| halves(i % 300, 0)).collect();
    for (what, request) in [
        ("binary", binary(&halves(5, 0))),
        ("JSON of many images", json(&json_body(&large))),
        ("chunks", chunked(INFER, &[], 100, json_body(&halves(5, 0)).as_bytes())),
        ("an image file", post("/v1/predict", &png(28, &halves(60, 0)).unwrap())),
        ("a GET", get("/v2/models/mnist")),
        ("two requests", [get("/v2"), binary(&halves(5, 0))].concat()),
    ] {
        let start = std::time::Instant::now();
        let mut connection = server.connect();
        connection.send(&request);
        connection.finish_sending();
        for _ in 0..1 + usize::from(what == "two requests") {
            let reply = connection.receive().unwrap_or_else(|failure| panic!("{what}: {failure}"));
            assert_eq!(reply.status, 200, "{what}: {}", reply.text());
        }
        assert!(connection.is_closed(), "{what}");
        // Not only once it is taken for disconnected.
        assert!(start.elapsed().as_millis() < 900, "{what}: {:?}", start.elapsed());
    }
}

/// With two lengths, a proxy in front could read the other one, and see a second request where this server sees the end of
/// the first.
#[test]
fn a_second_length_does_not_smuggle_a_request() {
    let server = TestServer::start(&sides(), &[]);
    let smuggled = "GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let request = format!(
        "POST {INFER} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        smuggled.len() + 5
    );
    let mut connection = server.connect();
    assert_eq!(connection.exchange(request.as_bytes()).unwrap().status, 400);
    assert!(connection.is_closed(), "a second request was found after the chunks");
}

#[test]
fn the_number_of_chunks_is_limited() {
    let server = TestServer::start(&sides(), &[]);
    let body = json_body(&halves(1, 0));
    let padded = |n: usize| [body.as_bytes(), &vec![b' '; n - body.len()]].concat();
    let taken = server.ask(&chunked(INFER, &[], 1, &padded(60_000)));
    assert_eq!(taken.status, 200, "{}", taken.text());
    let refused = server.ask(&chunked(INFER, &[], 1, &padded(70_000)));
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert!(refused.error().unwrap().contains("chunk"), "{}", refused.text());
    assert_eq!(server.ask(&chunked(INFER, &[], 2, &padded(70_000))).status, 200);
}
