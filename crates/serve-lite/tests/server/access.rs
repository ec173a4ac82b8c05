//! Whose requests are answered: the `Host`, pages of other sites, and `--cors-origin`.

use crate::models::{halves, sides};
use crate::test_server::TestServer;
use serve_client::Reply;
use serve_client::requests::*;

const LOAD: &str = "/v2/repository/models/mnist/load";

/// A request of these lines and headers, `Host` included.
fn ask(server: &TestServer, line: &str, headers: &[&str], body: &[u8]) -> Reply {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!("{line}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    server.ask(&[head.as_bytes(), body].concat())
}

fn get_as(server: &TestServer, hosts: &[&str]) -> u16 {
    let hosts: Vec<_> = hosts.iter().map(|host| format!("Host: {host}")).collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    ask(server, "GET /v2 HTTP/1.1", &hosts, b"").status
}

#[test]
fn a_missing_doubled_or_malformed_host_is_a_bad_request() {
    let server = TestServer::start(&sides(), &[]);
    let with_token = TestServer::start_with(&sides(), &[], &[("SERVE_LITE_TOKEN", "sesame")]);
    for server in [&server, &with_token] {
        for hosts in [
            &[][..],
            &["localhost", "localhost"],
            &["localhost", "evil.example"],
            &[""],
            &["a b"],
            &["user@localhost"],
        ] {
            assert_eq!(get_as(server, hosts), 400, "{hosts:?}");
        }
        let reply = ask(server, "GET /v2/health/live HTTP/1.1", &[], b"");
        assert!(reply.error().unwrap().contains("Host"), "{}", reply.text());
        assert!(reply.header("x-request-id").is_some());
    }
}

#[test]
fn only_the_names_of_this_server_are_answered() {
    let server = TestServer::start(&sides(), &[]);
    let port = server.address.port();
    let own = [
        format!("127.0.0.1:{port}"),
        "localhost".into(),
        format!("LOCALHOST:{port}"),
        "[::1]:80".into(),
    ];
    for host in &own {
        assert_eq!(get_as(&server, &[host]), 200, "{host}");
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.7", "0.0.0.0", "a"]
    {
        assert_eq!(get_as(&server, &[host]), 403, "{host}");
        let host = format!("Host: {host}");
        let reply = ask(
            &server,
            &format!("POST {INFER} HTTP/1.1"),
            &[&host],
            json_body(&halves(1, 1)).as_bytes(),
        );
        assert_eq!(reply.status, 403);
        assert!(reply.error().unwrap().contains("--allowed-host"), "{}", reply.text());
        assert_eq!(ask(&server, "GET / HTTP/1.1", &[&host], b"").status, 403);
        // Load balancers call a server by any name.
        assert_eq!(ask(&server, "GET /v2/health/ready HTTP/1.1", &[&host], b"").status, 200);
    }
    // A name in the target counts, whatever the header says.
    let absolute = |host| {
        ask(&server, &format!("GET http://{host}/v2 HTTP/1.1"), &["Host: localhost"], b"").status
    };
    assert_eq!((absolute("localhost"), absolute("evil.example")), (200, 403));

    let named = TestServer::start(
        &sides(),
        &["--allowed-host", "digits.example.org", "--allowed-host", "b"],
    );
    let statuses = ["digits.example.org:80", "Digits.Example.org.", "b", "c"]
        .map(|host| get_as(&named, &[host]));
    assert_eq!(statuses, [200, 200, 200, 403]);
    let any = TestServer::start(&sides(), &["--allowed-host", "*"]);
    assert_eq!(get_as(&any, &["whatever"]), 200);
    // A browser does not have the token, so the name does not matter.
    let with_token = TestServer::start_with(&sides(), &[], &[("SERVE_LITE_TOKEN", "sesame")]);
    let headers = ["Host: evil.example", "Authorization: Bearer sesame"];
    assert_eq!(ask(&with_token, "GET /v2 HTTP/1.1", &headers, b"").status, 200);
}

#[test]
fn pages_of_other_sites_change_nothing_and_read_nothing() {
    let server = TestServer::start(&sides(), &["--watch", "0"]);
    let own = format!("Origin: http://127.0.0.1:{}", server.address.port());
    let host = format!("Host: 127.0.0.1:{}", server.address.port());
    let paths =
        [LOAD, INFER, PREDICT, "/v2/repository/index", "/v2/repository/models/mnist/unload"];
    let foreign: [&[&str]; 9] = [
        &["Origin: https://evil.example"],
        &["Origin: null"],
        &["Origin: http://127.0.0.1:1"],
        &["Origin: "],
        &[&own, "Origin: https://evil.example"],
        &["Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: same-site", &own],
        &["Sec-Fetch-Site: cross-site", "Origin: https://evil.example"],
        &["Sec-Fetch-Site: nonsense"],
    ];
    for path in paths {
        for headers in foreign {
            let all = [&[host.as_str()], headers].concat();
            let reply = ask(
                &server,
                &format!("POST {path} HTTP/1.1"),
                &all,
                json_body(&halves(1, 1)).as_bytes(),
            );
            assert_eq!(reply.status, 403, "{path} {headers:?}: {}", reply.text());
            assert!(reply.error().unwrap().contains("--cors-origin"), "{}", reply.text());
            assert!(reply.header("access-control-allow-origin").is_none());
        }
    }
    assert_eq!(server.metrics().value("serve_lite_model_version"), 1.0);
    // A page of another site can only look, and its browser does not show it what it sees.
    let reply = ask(&server, "GET /v2 HTTP/1.1", &[&host, "Origin: https://evil.example"], b"");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None));
    let preflight = ["Origin: https://evil.example", "Access-Control-Request-Method: POST"];
    let reply = ask(
        &server,
        &format!("OPTIONS {LOAD} HTTP/1.1"),
        &[&[host.as_str()], &preflight[..]].concat(),
        b"",
    );
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (405, None));

    // The server's own page, typed addresses, and clients that are no browsers.
    let good: [&[&str]; 5] = [
        &[],
        &[&own],
        &["Sec-Fetch-Site: same-origin", &own],
        &["Sec-Fetch-Site: none"],
        // Behind a proxy that changes Host but not Origin.
        &["Sec-Fetch-Site: same-origin", "Origin: https://digits.example.org"],
    ];
    for headers in good {
        let all = [&[host.as_str()], headers].concat();
        assert_eq!(
            ask(&server, &format!("POST {LOAD} HTTP/1.1"), &all, b"").status,
            200,
            "{headers:?}"
        );
    }
}

#[test]
fn with_a_token_pages_of_other_sites_need_it_too() {
    let server = TestServer::start_with(&sides(), &[], &[("SERVE_LITE_TOKEN", "sesame")]);
    let site = ["Host: localhost", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"];
    let line = format!("POST {LOAD} HTTP/1.1");
    assert_eq!(ask(&server, &line, &site, b"").status, 401);
    let with_token = [&site[..], &["Authorization: Bearer sesame"]].concat();
    assert_eq!(ask(&server, &line, &with_token, b"").status, 200);
}

#[test]
fn an_origin_that_is_allowed_may_send_and_read() {
    let flags = ["--cors-origin", "https://a.example", "--cors-origin", "http://localhost:3000"];
    let tokens: [&[(&str, &str)]; 2] = [&[], &[("SERVE_LITE_TOKEN", "sesame")]];
    for token in tokens {
        let server = TestServer::start_with(&sides(), &flags, token);
        for origin in ["https://a.example", "http://localhost:3000"] {
            let header = format!("Origin: {origin}");
            let browser = ["Host: localhost", &header, "Sec-Fetch-Site: cross-site"];
            let asks = [
                "Access-Control-Request-Method: POST",
                "Access-Control-Request-Headers: authorization",
            ];
            let reply = ask(
                &server,
                &format!("OPTIONS {INFER} HTTP/1.1"),
                &[&browser, &asks[..]].concat(),
                b"",
            );
            assert_eq!(reply.status, 204, "{}", reply.text());
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
            assert!(reply.header("access-control-allow-methods").unwrap().contains("POST"));
            let headers = reply.header("access-control-allow-headers").unwrap();
            assert!(
                headers.contains("authorization")
                    && headers.contains("inference-header-content-length")
            );
            let body = json_body(&halves(1, 1));
            let sent = [&browser[..], &["Authorization: Bearer sesame"]].concat();
            let reply = ask(&server, &format!("POST {INFER} HTTP/1.1"), &sent, body.as_bytes());
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
            assert_eq!(reply.header("vary"), Some("origin"));
            assert!(reply.header("access-control-expose-headers").is_some());
        }
        let other =
            ["Host: localhost", "Origin: https://a.example.evil", "Authorization: Bearer sesame"];
        let reply = ask(&server, "GET /v2 HTTP/1.1", &other, b"");
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None));
        assert_eq!(reply.header("vary"), Some("origin"));
    }
    // Every page may classify then, but none may change the model.
    let server = TestServer::start(&sides(), &["--cors-origin", "*"]);
    let browser = ["Host: localhost", "Origin: https://any.example", "Sec-Fetch-Site: cross-site"];
    let post = |path: &str| {
        ask(
            &server,
            &format!("POST {path} HTTP/1.1"),
            &browser,
            json_body(&halves(1, 1)).as_bytes(),
        )
    };
    let reply = post(INFER);
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (200, Some("https://any.example"))
    );
    assert_eq!(post(LOAD).status, 403);
}
