//! Downloads from a server on this machine.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// What the server sends on one connection before it closes it.
pub(crate) type Reply = Vec<u8>;

fn content() -> Vec<u8> {
    (0..200_000u32).map(|index| (index * index % 251) as u8).collect()
}

fn remote() -> Remote {
    Remote { name: "digits".to_owned(), sha256: sha256(&[&content()]) }
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

/// A mirror on this machine that sends `replies` in turn; it reports each request's path and range.
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
            // Before the reply, so that a test that has the reply finds the request.
            let _ = sender.send((path, range));
            stream.write_all(&reply).unwrap();
        }
    });
    (address, requests)
}

pub(crate) fn local_agent() -> Agent {
    // The machine's proxy must not be used for connections to itself.
    Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
}

/// Fetches from `mirrors` into `cache`, which must then hold the file and nothing else; returns the progress in bytes.
fn fetch_into(cache: &Path, mirrors: &[&str]) -> Vec<u64> {
    let mut progress = Vec::new();
    let path = fetch(&remote(), cache, &local_agent(), mirrors, &mut |event| match event {
        Event::Downloading { file: "digits", received, .. } => progress.push(received),
        event => panic!("{event:?}"),
    });
    assert_eq!(path.unwrap(), cache.join("digits"));
    let files: Vec<_> =
        std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["digits"]);
    assert!(std::fs::read(cache.join("digits")).unwrap() == content());
    progress
}

#[test]
fn a_good_mirror_sends_the_file_and_progress_is_reported() {
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
fn the_second_mirror_is_used_where_the_first_lacks_the_file() {
    let cache = tempfile::tempdir().unwrap();
    let gz = gzip(&content());
    let (first, requests) = mirror(vec![reply("404 Not Found", 0, b"")]);
    let (second, _requests) = mirror(vec![reply("200 OK", gz.len(), &gz)]);
    fetch_into(cache.path(), &[&first, &second]);
    assert_eq!(requests.try_iter().count(), 1);
}

#[test]
fn an_interrupted_download_is_continued() {
    let cache = tempfile::tempdir().unwrap();
    let gz = gzip(&content());
    let half = gz.len() / 2;
    let range =
        format!("206 Partial Content\r\nContent-Range: bytes {half}-{}/{}", gz.len() - 1, gz.len());
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
fn a_mirror_that_cannot_continue_sends_the_whole_file_again() {
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
fn a_continuation_of_another_file_is_downloaded_again() {
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
fn a_file_with_a_wrong_hash_is_never_kept_and_the_next_mirror_is_tried() {
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
fn a_closed_connection_is_retried_and_every_reason_is_reported() {
    let cache = tempfile::tempdir().unwrap();
    let (closes, requests) = mirror(vec![vec![]; ATTEMPTS]);
    let (lacks, _requests) = mirror(vec![reply("404 Not Found", 0, b"")]);
    let unreachable = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = format!("http://{unreachable}/");
    let mirrors = [closes.as_str(), &lacks, &unreachable];
    let error = fetch(&remote(), cache.path(), &local_agent(), &mirrors, &mut |_| ());
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Download { .. }), "{error:?}");
    let text = error.to_string();
    for part in ["digits", "404", &closes, &lacks, &unreachable] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(requests.try_iter().count(), ATTEMPTS);
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}
