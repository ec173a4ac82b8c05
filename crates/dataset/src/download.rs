//! Downloads one file from the first mirror that has an intact copy.
//!
//! Over plain HTTP: the SHA-256 of every file is known beforehand, and nothing else is accepted, so TLS would add no
//! integrity; that somebody fetches MNIST is no secret; and a TLS library would take a minute to compile.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::error::{Error, Result};
use crate::event::Event;
use crate::hash::sha256;
use crate::idx;

/// Long enough for a slow network, short enough for a machine without one.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A mirror that sends nothing for this long is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts at one mirror; each continues where the last one was interrupted.
const ATTEMPTS: usize = 3;
/// Pause before another attempt at the same mirror.
const PAUSE: Duration = Duration::from_millis(300);
/// Far above the largest of MNIST's compressed files (10 MB).
const MAX_DOWNLOAD: u64 = 64 << 20;
/// Bytes read at once, between two reports of progress.
const CHUNK: usize = 1 << 16;

/// A file that mirrors have, compressed.
pub(crate) struct Remote {
    /// Its name in the cache; at the mirrors `.gz` follows.
    pub(crate) name: String,
    /// SHA-256 of its decompressed bytes: mirrors may have compressed it differently.
    pub(crate) sha256: String,
}

/// Why an attempt failed.
enum Failure {
    /// It would fail again: try the next mirror.
    Permanent(String),
    /// Another attempt may succeed.
    Temporary(String),
    /// This machine cannot store the file: no mirror can help.
    Local(Error),
}

type Attempt<T> = std::result::Result<T, Failure>;

/// The HTTP client of all downloads. It uses the proxy that `ALL_PROXY` or `HTTP_PROXY` names.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("kiln/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(READ_TIMEOUT))
        .timeout_per_read(Some(READ_TIMEOUT))
        .build()
        .new_agent()
}

/// Downloads a file into the folder `cache`, from `mirrors` (base addresses with a final slash) in turn; returns the
/// path of the decompressed file.
///
/// What arrives is kept in a `.gz.part` file that later attempts, and later processes, continue.
///
/// # Errors
/// [`Error::Download`] with every mirror's reason; [`Error::Write`] or [`Error::Store`] where the cache cannot be
/// written.
pub(crate) fn fetch(
    remote: &Remote,
    cache: &Path,
    agent: &Agent,
    mirrors: &[&str],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<PathBuf> {
    let part = cache.join(format!("{}.gz.part", remote.name));
    let path = cache.join(&remote.name);
    let mut reasons = Vec::new();
    for mirror in mirrors {
        for attempt in 1..=ATTEMPTS {
            let received = receive(mirror, remote, &part, agent, on_event);
            match received.and_then(|resumed| keep(remote, &part, &path, resumed)) {
                Ok(()) => return Ok(path),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Temporary(_)) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(Failure::Temporary(reason) | Failure::Permanent(reason)) => {
                    reasons.push(format!("{mirror}: {reason}"));
                    break;
                }
            }
        }
    }
    Err(Error::Download { file: remote.name.clone(), reasons: reasons.join("; ") })
}

/// Completes the file `part` from a mirror; returns whether it had been begun before.
fn receive(
    mirror: &str,
    remote: &Remote,
    part: &Path,
    agent: &Agent,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Attempt<bool> {
    let unwritable = |source| write_error(part, source);
    let begun = part.metadata().map_or(0, |metadata| metadata.len());
    let mut response = request(&format!("{mirror}{}.gz", remote.name), begun, agent)?;
    let status = response.status();
    let resumed = status == StatusCode::PARTIAL_CONTENT && continues_at(&response, begun);
    if status != StatusCode::OK && !resumed {
        let reason = format!("HTTP status {status}");
        if begun > 0 && (status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE) {
            // The mirror cannot continue the file, so the next attempt starts over.
            std::fs::remove_file(part).map_err(unwritable)?;
            return Err(Failure::Temporary(reason));
        }
        return Err(match status.is_server_error() {
            true => Failure::Temporary(reason),
            false => Failure::Permanent(reason),
        });
    }

    let start = if resumed { begun } else { 0 };
    let total = response.body().content_length().map(|length| start + length);
    let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(unwritable)?;
    file.set_len(start).map_err(unwritable)?;
    let mut body = response.body_mut().as_reader();
    let mut chunk = vec![0; CHUNK];
    let mut received = start;
    loop {
        on_event(Event::Downloading { file: &remote.name, received, total });
        let n = body.read(&mut chunk).map_err(|error| Failure::Temporary(error.to_string()))?;
        if n == 0 {
            break;
        }
        file.write_all(&chunk[..n]).map_err(unwritable)?;
        received += n as u64;
        if received > MAX_DOWNLOAD {
            std::fs::remove_file(part).map_err(unwritable)?;
            return Err(Failure::Permanent(format!("it sent more than {MAX_DOWNLOAD} bytes")));
        }
    }
    if total.is_some_and(|total| received < total) {
        return Err(Failure::Temporary("the connection was closed early".to_owned()));
    }
    Ok(start > 0)
}

/// Requests a file from its byte `begun` on.
fn request(address: &str, begun: u64, agent: &Agent) -> Attempt<Response<Body>> {
    let mut request = agent.get(address);
    if begun > 0 {
        request = request.header(header::RANGE, format!("bytes={begun}-"));
    }
    request.call().map_err(|error| match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::TlsRequired
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            Failure::Permanent(error.to_string())
        }
        error => Failure::Temporary(error.to_string()),
    })
}

/// Whether the body continues a file of which `begun` bytes have been received.
fn continues_at(response: &Response<Body>, begun: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {begun}-")))
}

/// Decompresses the downloaded file `part` to `path`, if its hash is correct, and removes it.
fn keep(remote: &Remote, part: &Path, path: &Path, resumed: bool) -> Attempt<()> {
    let bytes = idx::read(part, idx::LONGEST_OF_MNIST)
        .ok()
        .filter(|bytes| sha256(&[bytes]) == remote.sha256);
    if let Some(bytes) = &bytes {
        run::write_atomically(path, bytes).map_err(|error| Failure::Local(error.into()))?;
    }
    std::fs::remove_file(part).map_err(|source| write_error(part, source))?;
    let reason = || "what it sent does not have the file's SHA-256".to_owned();
    match bytes {
        Some(_) => Ok(()),
        // The beginning may have come from another mirror, so only a complete download is conclusive.
        None if resumed => Err(Failure::Temporary(reason())),
        None => Err(Failure::Permanent(reason())),
    }
}

fn write_error(path: &Path, source: std::io::Error) -> Failure {
    Failure::Local(Error::Write { path: path.to_owned(), source })
}

#[cfg(test)]
pub(crate) mod tests;
