//! Every path with every method.

use crate::models::sides;
use crate::test_server::TestServer;
use serve_client::requests::*;

/// Paths and the methods that each of them has.
#[rustfmt::skip]
const ROUTES: &[(&str, &str)] = &[
    ("/", "GET"), ("/page.css", "GET"), ("/page.js", "GET"), ("/digit.js", "GET"),
    ("/samples.js", "GET"), ("/metrics", "GET"),
    ("/v2/health/live", "GET"), ("/v2/health/ready", "GET"), ("/v2", "GET"), ("/v2/", "GET"),
    ("/v2/models/mnist/ready", "GET"), ("/v2/models/mnist/versions/1/ready", "GET"),
    ("/v2/models/mnist", "GET"), ("/v2/models/mnist/versions/1", "GET"),
    ("/v2/models/mnist/config", "GET"), ("/v2/models/mnist/versions/1/config", "GET"),
    ("/v2/models/mnist/stats", "GET"), ("/v2/models/mnist/versions/1/stats", "GET"),
    ("/v2/models/stats", "GET"),
    ("/v2/models/mnist/infer", "POST"), ("/v2/models/mnist/versions/1/infer", "POST"),
    ("/v2/repository/index", "POST"), ("/v2/repository/models/mnist/load", "POST"),
    ("/v2/repository/models/mnist/unload", "POST"), ("/v1/predict", "POST"),
];
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

#[test]
fn every_route_has_its_method_and_answers_the_others_with_405_and_those_that_it_has() {
    let server = TestServer::start(&sides(), &[]);
    for (path, has) in ROUTES {
        for method in METHODS {
            let what = format!("{method} {path}");
            let mut connection = server.connect();
            connection.send(&request(method, path, &[], b""));
            let reply = match method {
                "HEAD" => connection.receive_without_body().unwrap(),
                _ => connection.receive().unwrap(),
            };
            if method == *has {
                // An empty body is no request and no picture, and nothing is ever unloaded.
                let expected: &[u16] = match *path {
                    path if path.ends_with("/infer") => &[400],
                    "/v1/predict" => &[400, 415],
                    path if path.ends_with("/unload") => &[501],
                    _ => &[200],
                };
                assert!(expected.contains(&reply.status), "{what}: {reply:?}");
            } else if method == "HEAD" && *has == "GET" {
                assert_eq!(reply.status, 200, "{what}");
            } else {
                assert_eq!(reply.status, 405, "{what}: {}", reply.text());
                let allow = reply.header("allow").unwrap_or_else(|| panic!("{what}: no Allow"));
                let allowed: Vec<_> = allow.split(',').map(str::trim).collect();
                assert!(allowed.contains(has) && !allowed.contains(&method), "{what}: {allow}");
                if method != "HEAD" {
                    reply.error().unwrap();
                }
            }
            assert!(reply.header("x-request-id").is_some(), "{what}");
            // A reply to HEAD has no body, or the next reply would be read as its end.
            if method == "HEAD" {
                let next = connection.exchange(&get("/v2/health/live")).unwrap();
                assert_eq!(next.status, 200, "{what}");
            }
        }
    }
}

#[test]
fn the_target_may_be_absolute_and_a_star_or_an_authority_is_no_path() {
    let server = TestServer::start(&sides(), &[]);
    let absolute = get(&format!("http://{}/v2/health/live", server.address));
    assert_eq!(server.ask(&absolute).status, 200);
    for request in [request("OPTIONS", "*", &[], b""), request("CONNECT", "localhost:80", &[], b"")]
    {
        let reply = server.ask(&request);
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    assert_eq!(server.ask(&get("/v2/health/live?x=1&y#z")).status, 200);
}

#[test]
fn replies_carry_the_callers_request_id_or_one_of_their_own() {
    let server = TestServer::start(&sides(), &[]);
    let with = |path: &str, id: &str| {
        let reply = server.ask(&request("GET", path, &[("X-Request-Id", id)], b""));
        reply.header("x-request-id").unwrap_or_default().to_owned()
    };
    for path in ["/v2/health/live", "/metrics", "/", "/nosuch", "/v2/models/mnist/infer"] {
        assert_eq!(with(path, "caller-17.a_b"), "caller-17.a_b", "{path}");
    }
    let own = |path: &str| {
        let reply = server.ask(&get(path));
        reply.header("x-request-id").unwrap_or_default().to_owned()
    };
    let (first, second) = (own("/v2/health/live"), own("/v2/health/live"));
    assert!(!first.is_empty() && first != second, "{first} {second}");
    // Neither empty, nor endless, nor what a log would stumble over is repeated.
    let long = "i".repeat(5000);
    for id in ["", long.as_str(), "a\tb", "\u{e4}"] {
        let id = with("/v2/health/live", id);
        assert!(!id.is_empty() && id.len() <= 256, "{id}");
        assert!(id.chars().all(|c| c.is_ascii_graphic()), "{id:?}");
    }
}
