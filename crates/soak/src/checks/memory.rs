//! Requirement 4: a request that asks for much memory does not get it.

use std::time::Duration;

use serve_client::requests::{ENCODING, INFER, gzip, post, request};
use serve_client::{Connection, Failure, ServerProcess};

use crate::results::Results;
use crate::setup::Setup;

/// Longer than any of these requests takes.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// MiB by which the server may grow in 100 repeats.
const GROWTH_LIMIT: f64 = 8.0;

/// A request that would take much memory, and the status that it must get.
struct Attack {
    name: &'static str,
    request: Vec<u8>,
    status: u16,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&[])?;
    let runtime = setup.runtime()?;
    let repeats = setup.number(100, 10);
    for Attack { name, request, status } in attacks() {
        let mut outcomes = runtime.block_on(repeat(&server, &request, repeats.min(20)));
        let before = server.resident_mib();
        outcomes.extend(runtime.block_on(repeat(&server, &request, repeats)));
        let growth = server.resident_mib() - before;
        results.at_most(&format!("growth by {repeats} x {name}"), GROWTH_LIMIT, "MiB", growth);
        // A client that goes on sending may see the connection reset before it reads the reply.
        let is_right = |outcome: &Result<u16, Failure>| {
            *outcome == Ok(status) || matches!(outcome, Err(Failure::Reset | Failure::Truncated))
        };
        let wrong = outcomes.iter().find(|outcome| !is_right(outcome));
        let n_read = outcomes.iter().filter(|outcome| **outcome == Ok(status)).count();
        let mut measured = format!("{status} read {n_read} times of {}", outcomes.len());
        if let Some(wrong) = wrong {
            measured += &format!(", but also {wrong:?}");
        }
        results.require(
            &format!("reply to {name}"),
            &status.to_string(),
            measured,
            wrong.is_none() && n_read > 0,
        );
    }
    results.still_running("the server afterwards", &mut server);
    results.note("resident memory afterwards", format!("{:.1} MiB", server.resident_mib()));
    Ok(())
}

async fn repeat(server: &ServerProcess, request: &[u8], times: usize) -> Vec<Result<u16, Failure>> {
    let mut outcomes = Vec::with_capacity(times);
    for _ in 0..times {
        outcomes.push(match Connection::open(server.address).await {
            Ok(mut connection) => {
                connection.exchange_within(TIME_LIMIT, request).await.map(|reply| reply.status)
            }
            Err(failure) => Err(failure),
        });
    }
    outcomes
}

fn attacks() -> Vec<Attack> {
    let head =
        |header: &str| format!("POST {INFER} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n").into_bytes();
    let spaces = vec![b' '; 1 << 20];
    let mut tiny_chunks = head("Transfer-Encoding: chunked");
    tiny_chunks.extend(b"1\r\n \r\n".repeat(1_000_000));
    tiny_chunks.extend(b"0\r\n\r\n");
    let chunk = [b"100000\r\n".as_slice(), &spaces, b"\r\n"].concat();
    let mut endless = head("Transfer-Encoding: chunked");
    endless.extend(chunk.repeat(16));
    let mut complete = endless.clone();
    complete.extend(b"0\r\n\r\n");
    endless.extend(chunk.repeat(64));
    let nested = [br#"{"inputs":"#.as_slice(), &vec![b'['; 1_000_000]].concat();
    let shape = |shape: &str| {
        let body = format!(
            r#"{{"inputs":[{{"name":"pixels","datatype":"UINT8","data":[0],"shape":{shape}}}]}}"#
        );
        post(INFER, body.as_bytes())
    };
    let many_dimensions = format!("[{}1]", "1,".repeat(100_000));
    let attack = |name, request, status| Attack { name, request, status };
    vec![
        // Refused although not a byte of the body was sent: so the server did not wait for it.
        attack("a body that claims 1 GiB", head("Content-Length: 1073741824"), 413),
        attack("16 MiB in chunks", complete, 413),
        attack("80 MiB in chunks, without an end", endless, 413),
        attack(
            "a gzip bomb of 256 MiB",
            request("POST", INFER, &[(ENCODING, "gzip")], &gzip(&spaces.repeat(256))),
            413,
        ),
        attack("a million chunks of one byte", tiny_chunks, 413),
        attack("a million brackets", post(INFER, &nested), 400),
        attack("a shape that overflows", shape("[4611686018427387904,4,28,28]"), 400),
        attack("100,000 dimensions", shape(&many_dimensions), 400),
    ]
}
