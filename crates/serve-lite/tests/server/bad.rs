//! Bad requests: each gets an error message at once, and does not affect later requests.

use std::time::{Duration, Instant};

use crate::models::{halves, sides};
use crate::test_server::TestServer;
use crate::{bad_binary, bad_http, bad_json};
use serve_client::blocking::Connection;
use serve_client::requests::binary;
use serve_client::{Failure, Reply};

/// How long the reply to a bad request may take.
const LIMIT: Duration = Duration::from_secs(1);

/// A bad request, and what its reply must be.
pub(crate) struct Case {
    name: String,
    request: Vec<u8>,
    /// Allowed statuses.
    statuses: &'static [u16],
    /// Words, separated by bars, of which the message has at least one.
    says: &'static str,
    /// Whether the server may also close the connection without a reply.
    or_closed: bool,
}

impl Case {
    pub(crate) fn new(
        name: String,
        request: Vec<u8>,
        statuses: &'static [u16],
        says: &'static str,
    ) -> Self {
        Self { name, request, statuses, says, or_closed: false }
    }

    pub(crate) fn or_closed(self) -> Self {
        Self { or_closed: true, ..self }
    }

    /// What is wrong with the server's reply.
    fn fault(&self, reply: &Reply) -> Option<String> {
        if !self.statuses.contains(&reply.status) {
            return Some(format!("{} for {:?}", reply.summary(), self.statuses));
        }
        let message = match reply.error() {
            Ok(message) => message.to_lowercase(),
            Err(error) => return Some(format!("{error:#}")),
        };
        // A JSON parser names the position instead.
        if !self.says.split('|').chain([" column "]).any(|word| message.contains(word)) {
            return Some(format!("none of {:?} in {message:?}", self.says));
        }
        if message.len() > 500 {
            return Some(format!("{} bytes of error: {message:.100}...", message.len()));
        }
        if reply.header("x-request-id").is_none_or(str::is_empty) {
            return Some("no x-request-id".into());
        }
        None
    }
}

#[test]
fn every_bad_request_gets_an_error_message_and_affects_no_other() {
    let mut server = TestServer::start(&sides(), &[]);
    let golden_request = binary(&halves(33, 11));
    let golden = server.ask(&golden_request);
    assert_eq!(golden.status, 200);
    let mut other = server.connect();

    let mut cases = bad_json::cases();
    cases.extend(bad_binary::cases());
    cases.extend(bad_http::cases());
    assert!(cases.len() >= 250, "{}", cases.len());
    let mut faults = Vec::new();
    for case in &cases {
        // A busy machine may delay one reply, but not three in a row.
        let mut slow = 0;
        let fault = loop {
            let start = Instant::now();
            let reply = answer(&server, case);
            if start.elapsed() > LIMIT && slow < 2 {
                slow += 1;
                continue;
            }
            break match reply {
                _ if slow == 2 && start.elapsed() > LIMIT => Some(format!("{:?}", start.elapsed())),
                None if case.or_closed => None,
                None => Some("no reply".into()),
                Some(reply) => case.fault(&reply),
            };
        };
        if let Some(fault) = fault {
            let name: String = case.name.chars().take(120).collect();
            faults.push(format!("{name}: {fault}"));
        }
        assert_eq!(
            other.exchange(&golden_request).unwrap().body,
            golden.body,
            "after {}",
            case.name
        );
    }
    assert!(server.is_running());
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn requests_that_the_protocol_leaves_open_get_a_reply() {
    let server = TestServer::start(&sides(), &[]);
    for (name, request) in bad_json::odd() {
        let start = Instant::now();
        let reply = server.ask(&request);
        assert!(
            [200, 400].contains(&reply.status),
            "{name}: {} {:.200}",
            reply.status,
            reply.text()
        );
        if reply.status == 400 {
            reply.error().unwrap();
        }
        assert!(start.elapsed() < 5 * LIMIT, "{name}: {:?}", start.elapsed());
    }
    assert_eq!(server.ask(&binary(&halves(1, 1))).status, 200);
}

/// These are refused before there is a request: with an empty 400, or by closing the connection.
#[test]
fn bytes_that_are_not_http_are_refused() {
    let flags = ["--header-timeout", "1", "--body-timeout", "1"];
    let mut server = TestServer::start(&sides(), &flags);
    let many: String = (0..10_000).map(|i| format!("x{i}: y\r\n")).collect();
    let many = format!("GET /v2 HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    let endless =
        format!("GET /v2 HTTP/1.1\r\nHost: localhost\r\nx: {}\r\n\r\n", "y".repeat(4 << 20));
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "p".repeat(1 << 20));
    let more = [many.as_bytes(), endless.as_bytes(), long.as_bytes()];
    for request in bad_http::NOT_HTTP.iter().copied().chain(more) {
        let mut connection = server.connect();
        connection.send(request);
        let status = received(&mut connection).map(|reply| reply.status);
        assert!(
            matches!(status, None | Some(400 | 404 | 411 | 413 | 414 | 431 | 505)),
            "{status:?} {:?}",
            String::from_utf8_lossy(&request[..request.len().min(100)])
        );
        assert_eq!(server.ask(&binary(&halves(1, 1))).status, 200);
    }
    assert!(server.is_running());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The reply to a bad request. One without an end gets none before the client closes its sending half.
fn answer(server: &TestServer, case: &Case) -> Option<Reply> {
    let mut connection = server.connect();
    connection.send(&case.request);
    if case.or_closed {
        connection.finish_sending();
    }
    received(&mut connection)
}

/// The next reply, or `None` if the server closed the connection instead.
fn received(connection: &mut Connection) -> Option<Reply> {
    match connection.receive() {
        Ok(reply) => Some(reply),
        Err(Failure::Closed | Failure::Reset) => None,
        Err(failure) => panic!("{failure}"),
    }
}
