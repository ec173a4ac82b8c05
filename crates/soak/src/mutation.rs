//! Requests that are nearly right: valid ones, damaged at a few places by a seeded generator.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;

use super::bench::Bench;
use super::random::Random;
use super::requests::{Infer, http};
use super::warp;

/// Where seeds are sent; their model has the name that it has by default.
const INFER: &str = "/v2/models/mnist/infer";
const PREDICT: &str = "/v1/predict";
const LENGTH: &str = "Inference-Header-Content-Length";
const ENCODING: &str = "Content-Encoding";
/// What stands where a number or a word stood.
const ODD: [&str; 32] = [
    "-1",
    "0",
    "1",
    "255",
    "256",
    "1.5",
    "1e400",
    "-0",
    "NaN",
    "null",
    "true",
    "\"x\"",
    "[]",
    "{}",
    "[[",
    "]]",
    ",",
    ":",
    "2147483648",
    "9223372036854775808",
    "18446744073709551616",
    "4611686018427387904",
    "1e-7",
    "\"pixels\"",
    "\"logits\"",
    "\"UINT8\"",
    "\"FP32\"",
    "\"BYTES\"",
    "\"shape\"",
    "\"data\"",
    "\"parameters\"",
    "\"\\ud800\"",
];
/// Values of headers that say how a body is to be read.
const ODD_VALUES: [&str; 18] = [
    "-1",
    "0",
    "1",
    "abc",
    "",
    "784",
    "785",
    "4294967296",
    "18446744073709551616",
    "+5",
    " 7 ",
    "0x10",
    "gzip",
    "deflate",
    "br",
    "identity",
    "gzip, gzip",
    "GZIP",
];

/// A request with a body.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) path: &'static str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Case {
    /// The whole request.
    pub(super) fn request(&self) -> Vec<u8> {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        http("POST", self.path, &headers, &self.body)
    }

    fn new(body: Vec<u8>, length: Option<usize>) -> Self {
        let length = length.map(|length| (LENGTH.to_owned(), length.to_string()));
        Self { path: INFER, headers: length.into_iter().collect(), body }
    }
}

/// Valid requests of every form.
pub(super) fn seeds(bench: &Bench) -> anyhow::Result<Vec<Case>> {
    let one = bench.pixels(0, 1);
    let two = bench.pixels(1, 2);
    let case = |infer: Infer<'_>| {
        let (body, length) = infer.body();
        Case::new(body, length)
    };
    let rows: Vec<Vec<&[u8]>> =
        two.chunks(784).map(|picture| picture.chunks(28).collect()).collect();
    let nested = json!({ "inputs": [{ "name": "pixels", "shape": [2, 1, 28, 28],
        "datatype": "UINT8", "data": rows.iter().map(|rows| [rows]).collect::<Vec<_>>() }] });
    let classes = json!({ "id": "a", "parameters": { "timeout": 60_000_000, "priority": 1 },
        "outputs": [{ "name": "probabilities", "parameters": { "classification": 3 } }],
        "inputs": [{ "name": "pixels", "shape": [1, 1, 28, 28], "datatype": "UINT8",
            "data": one, "parameters": {} }] });
    let mut raw = Case::new(one.to_vec(), Some(0));
    raw.headers.push(("Content-Type".to_owned(), "application/octet-stream".to_owned()));
    let picture = |body| Case { path: PREDICT, ..Case::new(body, None) };
    Ok(vec![
        case(Infer::binary(one)),
        case(Infer { outputs: &["logits"], id: "b", ..Infer::binary(two) }),
        case(Infer { binary_out: false, ..Infer::binary(one) }),
        case(Infer { binary_in: false, ..Infer::binary(one) }),
        case(Infer::json(one)),
        Case::new(nested.to_string().into_bytes(), None),
        Case::new(classes.to_string().into_bytes(), None),
        raw,
        picture(warp::png(28, one)?),
        picture(warp::jpeg(28, one)?),
    ])
}

/// One of the seeds, damaged.
pub(super) fn mutated(seeds: &[Case], random: &mut Random) -> Case {
    let Some(seed) = random.one_of(seeds) else { return Case::new(Vec::new(), None) };
    let mut case = seed.clone();
    let compression = random.below(8);
    // Damage before compression reaches the parser; damage after it reaches the decompressor.
    if compression != 0 {
        damage(&mut case.body, seeds, random);
    }
    if compression < 3 {
        let (name, bytes) = compressed(&case.body, random.below(2) == 0);
        case.headers.push((ENCODING.to_owned(), name.to_owned()));
        case.body = bytes;
    }
    if compression == 0 {
        damage(&mut case.body, seeds, random);
    }
    if random.below(4) == 0 {
        let value = random.one_of(&ODD_VALUES).copied().unwrap_or_default().to_owned();
        let name = if random.below(3) == 0 { ENCODING } else { LENGTH };
        match case.headers.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) if random.below(8) > 0 => *old = value,
            _ => case.headers.push((name.to_owned(), value)),
        }
    }
    case
}

/// Damages bytes at one place, or at up to four: what is damaged often is refused early.
pub(super) fn damage(bytes: &mut Vec<u8>, seeds: &[Case], random: &mut Random) {
    let n_places = if random.below(2) == 0 { 1 } else { 1 + random.below(4) };
    for _ in 0..n_places {
        let place = place(bytes.len(), random);
        let end = bytes.len().min(place + 1 + random.below(16));
        match random.below(12) {
            0 => bytes.truncate(place),
            1 => drop(bytes.drain(place..end)),
            2 => {
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
            3 => {
                let noise = (0..1 + random.below(8)).map(|_| random.next() as u8);
                let noise: Vec<_> = noise.collect();
                bytes.splice(place..place, noise);
            }
            4 => {
                let other = random.one_of(seeds).map_or(&[][..], |seed| &seed.body);
                let from = random.below(other.len());
                bytes.truncate(place);
                bytes.extend(&other[from..]);
            }
            5 => {
                let depth = 1 << random.below(12);
                bytes.splice(place..place, std::iter::repeat_n(b'[', depth));
            }
            6..=8 => {
                let odd = random.one_of(&ODD).copied().unwrap_or_default();
                let token = token(bytes, place);
                bytes.splice(token, odd.bytes());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
}

/// Half of the time near the ends, where the structure is, and not among the grey levels.
fn place(length: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(length.min(160)),
        1 => length - random.below(length.min(160)) - usize::from(length > 0),
        _ => random.below(length),
    }
}

/// The word or number at a place or behind it.
fn token(bytes: &[u8], place: usize) -> std::ops::Range<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"\"_-.".contains(byte);
    let rest = &bytes[place..];
    let start = place + rest.iter().position(is_part).unwrap_or(0);
    let length = bytes[start..].iter().position(|byte| !is_part(byte));
    start..start + length.unwrap_or(0)
}

fn compressed(bytes: &[u8], gzip: bool) -> (&'static str, Vec<u8>) {
    // Writing into memory does not fail.
    if gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let _ = encoder.write_all(bytes);
        ("gzip", encoder.finish().unwrap_or_default())
    } else {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        let _ = encoder.write_all(bytes);
        ("deflate", encoder.finish().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_the_same_for_the_same_seed_and_never_out_of_bounds() {
        let seeds = [Case::new(b"{\"inputs\":[{\"shape\":[1,2]}]}".to_vec(), Some(3))];
        let run = |seed| {
            let mut random = Random::new(seed);
            let cases = (0..5_000).map(|_| mutated(&seeds, &mut random).request());
            cases.collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let mut empty = Vec::new();
        damage(&mut empty, &[], &mut Random::new(3));
    }

    #[test]
    fn a_token_is_a_whole_word() {
        let text = b"{\"shape\": [-12.5]}";
        assert_eq!(&text[token(text, 3)], b"hape\"");
        assert_eq!(&text[token(text, 9)], b"-12.5");
        assert!(token(text, 17).is_empty());
    }
}
