//! Requirement 4: a request that asks for much memory does not get it.

use std::sync::Arc;
use std::time::Duration;

use serve_client::Failure;
use serve_client::requests::{ENCODING, INFER, gzip, post, request};

use crate::load::Load;
use crate::results::Results;
use crate::setup::Setup;

/// Longer than any of these requests takes.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// MiB by which the server may grow in 100 repeats.
const GROWTH_LIMIT: f64 = 8.0;

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let mut server = setup.start(&[])?;
    let repeats = setup.number(100, 10);
    for (name, request, status) in attacks() {
        let load = Load {
            requests: Arc::new(vec![request]),
            count: repeats,
            connections: 1,
            patience: TIME_LIMIT,
            check: None,
            ..setup.load(server.address, None, Duration::from_secs(600))
        };
        let mut tally = setup.run(Load { count: repeats.min(20), ..load.clone() });
        let before = server.resident_mib();
        tally.add(setup.run(load));
        let growth = server.resident_mib() - before;
        results.at_most(&format!("growth by {repeats} x {name}"), GROWTH_LIMIT, "MiB", growth);
        // A client that goes on sending may see the connection reset before it reads the reply.
        for failure in [Failure::Reset, Failure::Truncated] {
            tally.failures.remove(&failure);
        }
        let n_read = tally.count(status);
        let holds = n_read > 0 && n_read == tally.n_replies() && tally.n_failures() == 0;
        let measured = format!("{status} read {n_read} times: {}", tally.errors());
        results.require(&format!("reply to {name}"), &status.to_string(), measured, holds);
    }
    results.still_running("the server afterwards", &mut server);
    results.note("resident memory afterwards", format!("{:.1} MiB", server.resident_mib()));
    Ok(())
}

/// Requests that would take much memory, by name, and the status that each must get.
fn attacks() -> [(&'static str, Vec<u8>, u16); 8] {
    let head = |header: &str| {
        format!("POST {INFER} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n").into_bytes()
    };
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
    let bomb = request("POST", INFER, &[(ENCODING, "gzip")], &gzip(&spaces.repeat(256)));
    let nested = [br#"{"inputs":"#.as_slice(), &vec![b'['; 1_000_000]].concat();
    let shape = |shape: &str| {
        let body = format!(
            r#"{{"inputs":[{{"name":"pixels","datatype":"UINT8","data":[0],"shape":{shape}}}]}}"#
        );
        post(INFER, body.as_bytes())
    };
    let many_dimensions = format!("[{}1]", "1,".repeat(100_000));
    [
        // Refused although not a byte of the body was sent: so the server did not wait for it.
        ("a body that claims 1 GiB", head("Content-Length: 1073741824"), 413),
        ("16 MiB in chunks", complete, 413),
        ("80 MiB in chunks, without an end", endless, 413),
        ("a gzip bomb of 256 MiB", bomb, 413),
        ("a million chunks of one byte", tiny_chunks, 413),
        ("a million brackets", post(INFER, &nested), 400),
        ("a shape that overflows", shape("[4611686018427387904,4,28,28]"), 400),
        ("100,000 dimensions", shape(&many_dimensions), 400),
    ]
}
