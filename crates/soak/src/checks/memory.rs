//! Requirement 4: what asks for much memory does not get it.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::bench::Bench;
use super::findings::Findings;
use super::http::{Connection, Failure};
use super::requests::{MODEL, http};
use super::server::Server;

/// Longer than any of these takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// MiB that the server may grow by in 100 repeats.
const GROWTH: f64 = 8.0;

/// Something to send, and how it must be answered.
struct Attack {
    name: &'static str,
    request: Vec<u8>,
    status: u16,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let mut server = Server::start(bench, &[])?;
    let runtime = bench.runtime()?;
    let repeats = bench.number(100, 10);
    for Attack { name, request, status } in attacks()? {
        let warm_up = runtime.block_on(repeat(&server, &request, repeats.min(20)));
        let before = server.memory();
        let outcomes = runtime.block_on(repeat(&server, &request, repeats));
        let growth = server.memory() - before;
        findings.at_most(&format!("growth by {repeats} x {name}"), GROWTH, "MiB", growth);
        // A client that goes on sending may find the connection reset before it reads the answer.
        let is_right = |outcome: &Result<u16, Failure>| {
            *outcome == Ok(status) || matches!(outcome, Err(Failure::Reset | Failure::CutOff))
        };
        let all: Vec<_> = warm_up.iter().chain(&outcomes).collect();
        let wrong = all.iter().find(|outcome| !is_right(outcome));
        let n_read = all.iter().filter(|outcome| ***outcome == Ok(status)).count();
        let mut said = format!("{status} read {n_read} times of {}", all.len());
        if let Some(wrong) = wrong {
            said.push_str(&format!(", but also {wrong:?}"));
        }
        let holds = wrong.is_none() && n_read > 0;
        findings.hold(&format!("answer to {name}"), &status.to_string(), said, holds);
    }
    findings.alive("the server after them", &mut server);
    findings.note("resident memory after them", format!("{:.1} MiB", server.memory()));
    Ok(())
}

async fn repeat(server: &Server, request: &[u8], times: usize) -> Vec<Result<u16, Failure>> {
    let mut outcomes = Vec::with_capacity(times);
    for _ in 0..times {
        outcomes.push(match Connection::open(server.address).await {
            Ok(mut connection) => {
                let reply = connection.exchange_within(PATIENCE, request).await;
                reply.map(|reply| reply.status)
            }
            Err(failure) => Err(failure),
        });
    }
    outcomes
}

fn attacks() -> anyhow::Result<Vec<Attack>> {
    let path = format!("/v2/models/{MODEL}/infer");
    let post = |headers: &[(&str, &str)], body: &[u8]| http("POST", &path, headers, body);
    let head = |header: &str| format!("POST {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..256 {
        bomb.write_all(&zeros)?;
    }
    let bomb = bomb.finish()?;
    let mut chunks = head("Transfer-Encoding: chunked").into_bytes();
    chunks.extend(b"1\r\n \r\n".repeat(1_000_000));
    chunks.extend(b"0\r\n\r\n");
    let mut endless = head("Transfer-Encoding: chunked").into_bytes();
    endless.extend([b"100000\r\n".as_slice(), &zeros, b"\r\n"].concat().repeat(16));
    let mut whole = endless.clone();
    whole.extend(b"0\r\n\r\n");
    endless.extend([b"100000\r\n".as_slice(), &zeros, b"\r\n"].concat().repeat(64));
    let deep = [br#"{"inputs":"#.as_slice(), &vec![b'['; 1_000_000]].concat();
    let input = |shape: &str| {
        let input = r#"{"name":"pixels","datatype":"UINT8","data":[0],"shape":"#;
        format!("{{\"inputs\":[{input}{shape}}}]}}").into_bytes()
    };
    let many_dims = format!("[{}1]", "1,".repeat(100_000));
    Ok(vec![
        // Answered although not a byte of the body was sent: so it was not waited for.
        Attack {
            name: "a body that says it has 1 GiB",
            request: head("Content-Length: 1073741824").into_bytes(),
            status: 413,
        },
        Attack { name: "16 MiB in chunks", request: whole, status: 413 },
        Attack { name: "80 MiB in chunks, without an end", request: endless, status: 413 },
        Attack {
            name: "a gzip bomb, 256 MiB from 1/1000",
            request: post(&[("Content-Encoding", "gzip")], &bomb),
            status: 413,
        },
        Attack { name: "a million chunks of a byte", request: chunks, status: 413 },
        Attack { name: "a million brackets", request: post(&[], &deep), status: 400 },
        Attack {
            name: "a shape that overflows",
            request: post(&[], &input("[4611686018427387904,4,28,28]")),
            status: 400,
        },
        Attack { name: "100,000 dimensions", request: post(&[], &input(&many_dims)), status: 400 },
    ])
}
