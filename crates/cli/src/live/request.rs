//! The requests that the live page answers: two paths, read within bounds of size and time.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The largest head of a request, in bytes: browsers send about 1 KiB.
const MOST_BYTES: usize = 16 * 1024;
/// How long a request may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(5);

/// What a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// `/`.
    Page,
    /// `/curves.svg`.
    Curves,
    /// An HTTP status.
    Refused(&'static str),
}

/// Reads the head of a request.
///
/// # Errors
/// Those of the connection; a client that takes too long is one that went away.
pub(super) fn read(connection: &mut TcpStream, port: u16) -> std::io::Result<Answer> {
    let end = Instant::now() + ARRIVAL;
    let (mut head, mut part) = (Vec::new(), [0; 2048]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        connection.set_read_timeout(Some(left))?;
        let n = connection.read(&mut part)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&part[..n]);
        if let Some(length) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            return Ok(of(&head[..length], port));
        }
        if head.len() > MOST_BYTES {
            return Ok(Answer::Refused("431 Request Header Fields Too Large"));
        }
    }
}

/// What the head of a request asks of a server on `port`.
fn of(head: &[u8], port: u16) -> Answer {
    let Ok(head) = std::str::from_utf8(head) else { return Answer::Refused("400 Bad Request") };
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Answer::Refused("400 Bad Request");
    };
    if !version.starts_with("HTTP/1.") {
        return Answer::Refused("505 HTTP Version Not Supported");
    }
    let hosts: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        .map(|(_, value)| value.trim())
        .collect();
    // A page of another site can point its own name at this machine; its requests then bear that name.
    let is_ours = |host: &str| {
        let (name, of) = host.rsplit_once(':').unwrap_or((host, "80"));
        ["localhost", "127.0.0.1"].contains(&name) && of.parse() == Ok(port)
    };
    match (&hosts[..], method, path.split('?').next()) {
        ([host], ..) if !is_ours(host) => Answer::Refused("403 Forbidden"),
        ([_], "GET", Some("/")) => Answer::Page,
        ([_], "GET", Some("/curves.svg")) => Answer::Curves,
        ([_], "GET", _) => Answer::Refused("404 Not Found"),
        ([_], ..) => Answer::Refused("405 Method Not Allowed"),
        _ => Answer::Refused("400 Bad Request"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_paths_are_answered_to_this_machine_alone() {
        let ask = |request: &str| of(request.replace('\n', "\r\n").as_bytes(), 8001);
        for (request, answer) in [
            ("GET / HTTP/1.1\nHost: localhost:8001", Answer::Page),
            ("GET /?x=1 HTTP/1.1\nAccept: */*\nhost:127.0.0.1:8001", Answer::Page),
            ("GET /curves.svg HTTP/1.0\nHost: 127.0.0.1:8001", Answer::Curves),
            ("GET /favicon.ico HTTP/1.1\nHost: localhost:8001", Answer::Refused("404 Not Found")),
            ("POST / HTTP/1.1\nHost: localhost:8001", Answer::Refused("405 Method Not Allowed")),
            ("GET / HTTP/1.1\nHost: evil.example:8001", Answer::Refused("403 Forbidden")),
            ("GET / HTTP/1.1\nHost: localhost", Answer::Refused("403 Forbidden")),
            ("GET / HTTP/1.1\nHost: localhost:8000", Answer::Refused("403 Forbidden")),
            ("GET / HTTP/1.1", Answer::Refused("400 Bad Request")),
            (
                "GET / HTTP/1.1\nHost: localhost:8001\nHost: evil.example",
                Answer::Refused("400 Bad Request"),
            ),
            ("GET /", Answer::Refused("400 Bad Request")),
            (
                "GET / HTTP/2\nHost: localhost:8001",
                Answer::Refused("505 HTTP Version Not Supported"),
            ),
        ] {
            assert_eq!(ask(request), answer, "{request}");
        }
        assert_eq!(of(b"GET /\xFF HTTP/1.1", 8001), Answer::Refused("400 Bad Request"));
    }
}
