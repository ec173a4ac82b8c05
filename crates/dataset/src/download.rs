//! One file from the first mirror that has it whole.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{StatusCode, header};
use ureq::{Agent, Body, http::Response};

use crate::error::{Error, Result};
use crate::idx;
use crate::load::{Event, sha256};

/// Long enough for a slow network, short enough that a machine without one is not stuck.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A mirror that says nothing for so long has hung up without telling.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// Attempts at one mirror; each goes on where the last one broke off.
const ATTEMPTS: usize = 3;
/// Pause before another attempt at the same mirror.
const PAUSE: Duration = Duration::from_millis(300);
/// Far above the largest of MNIST's compressed files (10 MB): a mirror that sends more is broken.
const MAX_DOWNLOAD: u64 = 64 << 20;
/// How much is read at once, and so how often progress is told.
const CHUNK: usize = 1 << 16;

/// A file that mirrors have.
pub(crate) struct Remote {
    /// Its name at the mirrors and in the cache.
    pub(crate) name: String,
    /// SHA-256 of its decompressed bytes: mirrors may have compressed it differently.
    pub(crate) sha256: String,
}

/// Why an attempt failed.
enum Failure {
    /// It would fail again: try the next mirror.
    Final(String),
    /// It may do better next time.
    Passing(String),
    /// This machine is to blame: no mirror can help.
    Here(Error),
}

/// The HTTP client of all downloads. It honours the usual proxy variables.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("kiln/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(SILENCE_TIMEOUT))
        .timeout_per_read(Some(SILENCE_TIMEOUT))
        .build()
        .new_agent()
}

/// Downloads a file into the folder `cache`, from `mirrors` (base addresses with a final slash) in
/// turn, and returns its decompressed bytes.
///
/// What arrives goes to a `.part` file that later attempts, and later processes, continue. It gets
/// its final name once its hash is right.
///
/// # Errors
/// [`Error::Download`] with every mirror's reason, [`Error::Write`].
pub(crate) fn fetch(
    remote: &Remote,
    cache: &Path,
    agent: &Agent,
    mirrors: &[&str],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<u8>> {
    let mut reasons = Vec::new();
    for mirror in mirrors {
        for attempt in 1..=ATTEMPTS {
            match attempt_at(mirror, remote, cache, agent, on_event) {
                Ok(bytes) => return Ok(bytes),
                Err(Failure::Here(error)) => return Err(error),
                Err(Failure::Passing(_)) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(Failure::Passing(reason) | Failure::Final(reason)) => {
                    reasons.push(format!("{mirror}: {reason}"));
                    break;
                }
            }
        }
    }
    Err(Error::Download { file: remote.name.clone(), reasons: reasons.join("; ") })
}

fn attempt_at(
    mirror: &str,
    remote: &Remote,
    cache: &Path,
    agent: &Agent,
    on_event: &mut dyn FnMut(Event<'_>),
) -> std::result::Result<Vec<u8>, Failure> {
    let part = cache.join(format!("{}.part", remote.name));
    let refuse = |source| Failure::Here(Error::Write { path: part.clone(), source });
    let had = part.metadata().map_or(0, |metadata| metadata.len());

    let mut request = agent.get(format!("{mirror}{}", remote.name));
    if had > 0 {
        request = request.header(header::RANGE, format!("bytes={had}-"));
    }
    let mut response = request.call().map_err(|error| match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
            Failure::Final(error.to_string())
        }
        error => Failure::Passing(error.to_string()),
    })?;
    let status = response.status();
    let resumed = status == StatusCode::PARTIAL_CONTENT && resumes_at(&response, had);
    if status != StatusCode::OK && !resumed {
        // The mirror cannot continue what is there, so the next attempt begins anew.
        let continuing =
            had > 0 && (status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE);
        if continuing {
            std::fs::remove_file(&part).map_err(refuse)?;
        }
        let reason = format!("HTTP status {status}");
        let passing = continuing || status.is_server_error();
        return Err(if passing { Failure::Passing(reason) } else { Failure::Final(reason) });
    }

    let start = if resumed { had } else { 0 };
    let total = response.body().content_length().map(|length| start + length);
    let mut file = OpenOptions::new().create(true).append(true).open(&part).map_err(refuse)?;
    file.set_len(start).map_err(refuse)?;
    let mut body = response.body_mut().as_reader();
    let mut chunk = vec![0; CHUNK];
    let mut received = start;
    loop {
        on_event(Event::Downloading { file: &remote.name, received, total });
        let n = body.read(&mut chunk).map_err(|error| Failure::Passing(error.to_string()))?;
        if n == 0 {
            break;
        }
        file.write_all(&chunk[..n]).map_err(refuse)?;
        received += n as u64;
        if received > MAX_DOWNLOAD {
            std::fs::remove_file(&part).map_err(refuse)?;
            return Err(Failure::Final(format!("it sent more than {MAX_DOWNLOAD} bytes")));
        }
    }
    if total.is_some_and(|total| received < total) {
        return Err(Failure::Passing("the connection broke off".to_owned()));
    }
    keep(&file, &part, remote, cache, start > 0)
}

/// Gives the downloaded file its final name, if its hash is right.
fn keep(
    file: &File,
    part: &Path,
    remote: &Remote,
    cache: &Path,
    resumed: bool,
) -> std::result::Result<Vec<u8>, Failure> {
    let refuse = |source| Failure::Here(Error::Write { path: part.to_owned(), source });
    let bytes = idx::read(part).ok().filter(|bytes| sha256(&[bytes]) == remote.sha256);
    let Some(bytes) = bytes else {
        std::fs::remove_file(part).map_err(refuse)?;
        let reason = "what it sent is not the file, by its SHA-256".to_owned();
        // The first half may have come from elsewhere, so only a whole download tells.
        return Err(if resumed { Failure::Passing(reason) } else { Failure::Final(reason) });
    };
    file.sync_all().map_err(refuse)?;
    let path = cache.join(&remote.name);
    std::fs::rename(part, &path).map_err(|source| Failure::Here(Error::Write { path, source }))?;
    Ok(bytes)
}

/// Whether the body continues a file of which `had` bytes are there.
fn resumes_at(response: &Response<Body>, had: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {had}-")))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// What the server does with one connection: the bytes it sends, after which it hangs up.
    pub(crate) type Reply = Vec<u8>;

    fn content() -> Vec<u8> {
        (0..200_000u32).map(|index| (index * index % 251) as u8).collect()
    }

    fn remote() -> Remote {
        Remote { name: "digits.gz".to_owned(), sha256: sha256(&[&content()]) }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    pub(crate) fn reply(status: &str, length: usize, body: &[u8]) -> Reply {
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    /// A mirror on this machine that gives `replies` in turn, and tells each request's path and
    /// range.
    pub(crate) fn mirror(replies: Vec<Reply>) -> (String, Receiver<(String, Option<String>)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap())
                    .lines()
                    .map_while(std::result::Result::ok);
                let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let path = lines[0].split(' ').nth(1).unwrap().to_owned();
                let range = lines.iter().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("range").then(|| value.to_owned())
                });
                // Told before it is answered, so that a test finds it once it has the answer.
                let _ = sender.send((path, range));
                stream.write_all(&reply).unwrap();
            }
        });
        (address, requests)
    }

    pub(crate) fn local_agent() -> Agent {
        // A proxy of the machine's has no business between a test and itself.
        Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
    }

    /// Fetches from `mirrors` into `cache`; what is in the cache afterwards must be the file alone.
    fn fetch_into(cache: &Path, mirrors: &[&str]) -> Vec<u64> {
        let mut progress = Vec::new();
        let bytes = fetch(&remote(), cache, &local_agent(), mirrors, &mut |event| match event {
            Event::Downloading { file: "digits.gz", received, .. } => progress.push(received),
            event => panic!("{event:?}"),
        });
        assert!(bytes.unwrap() == content());
        let files: Vec<_> =
            std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["digits.gz"]);
        assert!(idx::read(&cache.join("digits.gz")).unwrap() == content());
        progress
    }

    #[test]
    fn a_good_mirror_gives_the_file_and_progress_is_told() {
        let cache = tempfile::tempdir().unwrap();
        let gz = gzip(&content());
        let (address, requests) = mirror(vec![reply("200 OK", gz.len(), &gz)]);
        let progress = fetch_into(cache.path(), &[&address]);
        assert_eq!(requests.recv().unwrap(), ("/digits.gz".to_owned(), None));
        assert_eq!(progress.first(), Some(&0));
        assert_eq!(progress.last(), Some(&(gz.len() as u64)));
        assert!(progress.is_sorted());
    }

    #[test]
    fn the_second_mirror_helps_where_the_first_lacks_the_file() {
        let cache = tempfile::tempdir().unwrap();
        let gz = gzip(&content());
        let (first, requests) = mirror(vec![reply("404 Not Found", 0, b"")]);
        let (second, _requests) = mirror(vec![reply("200 OK", gz.len(), &gz)]);
        fetch_into(cache.path(), &[&first, &second]);
        assert_eq!(requests.try_iter().count(), 1);
    }

    #[test]
    fn a_broken_off_body_is_continued() {
        let cache = tempfile::tempdir().unwrap();
        let gz = gzip(&content());
        let half = gz.len() / 2;
        let range = format!(
            "206 Partial Content\r\nContent-Range: bytes {half}-{}/{}",
            gz.len() - 1,
            gz.len()
        );
        let (address, requests) = mirror(vec![
            reply("200 OK", gz.len(), &gz[..half]),
            reply(&range, gz.len() - half, &gz[half..]),
        ]);
        let progress = fetch_into(cache.path(), &[&address]);
        let ranges: Vec<_> = requests.try_iter().map(|(_, range)| range).collect();
        assert_eq!(ranges, [None, Some(format!("bytes={half}-"))]);
        assert_eq!(progress.last(), Some(&(gz.len() as u64)));
    }

    #[test]
    fn a_mirror_that_cannot_continue_sends_the_whole_again() {
        let cache = tempfile::tempdir().unwrap();
        let gz = gzip(&content());
        std::fs::write(cache.path().join("digits.gz.part"), b"the head of something else").unwrap();
        let (address, requests) = mirror(vec![reply("200 OK", gz.len(), &gz)]);
        fetch_into(cache.path(), &[&address]);
        assert_eq!(requests.recv().unwrap().1, Some("bytes=26-".to_owned()));

        let cache = tempfile::tempdir().unwrap();
        std::fs::write(cache.path().join("digits.gz.part"), vec![0; 2 * gz.len()]).unwrap();
        let unsatisfiable = reply("416 Range Not Satisfiable", 0, b"");
        let (address, _requests) = mirror(vec![unsatisfiable, reply("200 OK", gz.len(), &gz)]);
        fetch_into(cache.path(), &[&address]);
    }

    #[test]
    fn a_continuation_that_does_not_fit_is_downloaded_anew() {
        let cache = tempfile::tempdir().unwrap();
        let gz = gzip(&content());
        std::fs::write(cache.path().join("digits.gz.part"), vec![1; 10]).unwrap();
        let range =
            format!("206 Partial Content\r\nContent-Range: bytes 10-{}/{}", gz.len() - 1, gz.len());
        let (address, requests) =
            mirror(vec![reply(&range, gz.len() - 10, &gz[10..]), reply("200 OK", gz.len(), &gz)]);
        fetch_into(cache.path(), &[&address]);
        assert_eq!(requests.try_iter().last().unwrap().1, None);
    }

    #[test]
    fn corrupt_bytes_are_never_kept_and_the_next_mirror_is_asked() {
        let cache = tempfile::tempdir().unwrap();
        let gz = gzip(&content());
        let other = gzip(&content()[1..]);
        let mut flipped = gz.clone();
        flipped[gz.len() / 2] ^= 4;
        for corrupt in [other, flipped, b"<html>log in first</html>".to_vec()] {
            let (first, requests) = mirror(vec![reply("200 OK", corrupt.len(), &corrupt)]);
            let (second, _requests) = mirror(vec![reply("200 OK", gz.len(), &gz)]);
            fetch_into(cache.path(), &[&first, &second]);
            assert_eq!(requests.try_iter().count(), 1);
        }
    }

    #[test]
    fn a_mirror_that_hangs_up_is_asked_again_and_every_reason_is_told() {
        let cache = tempfile::tempdir().unwrap();
        let (hangs_up, requests) = mirror(vec![vec![]; ATTEMPTS]);
        let (lacks, _requests) = mirror(vec![reply("404 Not Found", 0, b"")]);
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let nobody = format!("http://{nobody}/");
        let mirrors = [hangs_up.as_str(), &lacks, &nobody];
        let error = fetch(&remote(), cache.path(), &local_agent(), &mirrors, &mut |_| ());
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Download { .. }), "{error:?}");
        let text = error.to_string();
        for part in ["digits.gz", "404", &hangs_up, &lacks, &nobody] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(requests.try_iter().count(), ATTEMPTS);
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
