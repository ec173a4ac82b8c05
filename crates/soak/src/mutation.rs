//! Requests that are nearly valid: valid ones, damaged in a few places by a seeded generator.

use fastrand::Rng;
use images::ImageShape;
use serde_json::json;
use serve_client::requests::{
    ENCODING, INFER, InferRequest, JSON_LENGTH, PREDICT, gzip, jpeg, png, request, zlib,
};

use crate::setup::Setup;

/// Tokens that replace a number or a word.
#[rustfmt::skip]
const ODD_TOKENS: [&str; 32] = [
    "-1", "0", "1", "255", "256", "1.5", "1e400", "-0", "NaN", "null", "true", "\"x\"", "[]", "{}", "[[", "]]", ",", ":",
    "2147483648", "9223372036854775808", "18446744073709551616", "4611686018427387904", "1e-7", "\"pixels\"",
    "\"logits\"", "\"UINT8\"", "\"FP32\"", "\"BYTES\"", "\"shape\"", "\"data\"", "\"parameters\"", "\"\\ud800\"",
];
/// Values of headers that say how a body is to be read.
#[rustfmt::skip]
const ODD_VALUES: [&str; 18] = [
    "-1", "0", "1", "abc", "", "784", "785", "4294967296", "18446744073709551616", "+5", " 7 ", "0x10", "gzip", "deflate",
    "br", "identity", "gzip, gzip", "GZIP",
];

/// A POST request.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Case {
    /// A valid inference request.
    pub(crate) fn of(infer: &InferRequest<'_>) -> Self {
        let (body, length) = infer.body();
        Self::new(INFER, body, length)
    }

    fn new(path: &'static str, body: Vec<u8>, json_length: Option<usize>) -> Self {
        let header = json_length.map(|length| (JSON_LENGTH.to_owned(), length.to_string()));
        Self { path, headers: header.into_iter().collect(), body }
    }

    /// The whole request.
    pub(crate) fn request(&self) -> Vec<u8> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        request("POST", self.path, &headers, &self.body)
    }
}

/// Valid requests of every form.
pub(crate) fn valid_requests(setup: &Setup) -> anyhow::Result<Vec<Case>> {
    let ImageShape { height, width, .. } = ImageShape::DIGIT;
    let one = setup.pixels(0, 1);
    let two = setup.pixels(1, 2);
    let images: Vec<[Vec<&[u8]>; 1]> =
        two.chunks(height * width).map(|image| [image.chunks(width).collect()]).collect();
    let nested = json!({ "inputs": [{ "name": "pixels", "shape": [2, 1, height, width],
        "datatype": "UINT8", "data": images }] });
    let classification = json!({ "id": "a", "parameters": { "timeout": 60_000_000, "priority": 1 },
        "outputs": [{ "name": "probabilities", "parameters": { "classification": 3 } }],
        "inputs": [{ "name": "pixels", "shape": [1, 1, height, width], "datatype": "UINT8",
            "data": one, "parameters": {} }] });
    let mut raw = Case::new(INFER, one.to_vec(), Some(0));
    raw.headers.push(("Content-Type".to_owned(), "application/octet-stream".to_owned()));
    let head = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"7.png\"\r\n\r\n";
    let body = [&head[..], &png(width, one)?, b"\r\n--b--\r\n"].concat();
    let mut form = Case::new(PREDICT, body, None);
    form.headers.push(("Content-Type".to_owned(), "multipart/form-data; boundary=b".to_owned()));
    Ok(vec![
        Case::of(&InferRequest::binary(one)),
        Case::of(&InferRequest { outputs: &["logits"], id: "b", ..InferRequest::binary(two) }),
        Case::of(&InferRequest { binary_output: false, ..InferRequest::binary(one) }),
        Case::of(&InferRequest { binary_input: false, ..InferRequest::binary(one) }),
        Case::of(&InferRequest::json(one)),
        Case::new(INFER, nested.to_string().into_bytes(), None),
        Case::new(INFER, classification.to_string().into_bytes(), None),
        raw,
        Case::new(PREDICT, png(width, one)?, None),
        Case::new(PREDICT, jpeg(width, one)?, None),
        form,
    ])
}

/// One of the valid requests, damaged.
pub(crate) fn mutated(valid: &[Case], random: &mut Rng) -> Case {
    let Some(mut case) = random.choice(valid).cloned() else {
        return Case::new(INFER, Vec::new(), None);
    };
    let compression = random.u8(..8);
    // Damage before compression reaches the parser; damage after it reaches the decompressor.
    if compression != 0 {
        damage(&mut case.body, valid, random);
    }
    if compression < 3 {
        let (name, body) =
            if random.bool() { ("gzip", gzip(&case.body)) } else { ("deflate", zlib(&case.body)) };
        case.headers.push((ENCODING.to_owned(), name.to_owned()));
        case.body = body;
    }
    if compression == 0 {
        damage(&mut case.body, valid, random);
    }
    if random.u8(..4) == 0 {
        let value = random.choice(ODD_VALUES).unwrap_or_default().to_owned();
        let name = if random.u8(..3) == 0 { ENCODING } else { JSON_LENGTH };
        match case.headers.iter_mut().find(|(found, _)| found == name) {
            Some((_, old)) if random.u8(..8) > 0 => *old = value,
            _ => case.headers.push((name.to_owned(), value)),
        }
    }
    case
}

/// Damages bytes in one place, or in up to four: what is damaged in many places is refused early.
pub(crate) fn damage(bytes: &mut Vec<u8>, valid: &[Case], random: &mut Rng) {
    let n_places = if random.bool() { 1 } else { random.usize(1..=4) };
    for _ in 0..n_places {
        let place = place(bytes.len(), random);
        let end = bytes.len().min(place + random.usize(1..=16));
        // What is replaced, and by what.
        let (range, new) = match random.u8(..12) {
            0 => (place..bytes.len(), Vec::new()),
            1 => (place..end, Vec::new()),
            2 => (place..place, bytes[place..end].to_vec()),
            3 => (place..place, (0..random.usize(1..=8)).map(|_| random.u8(..)).collect()),
            4 => {
                let other = random.choice(valid).map_or(&[][..], |case| &case.body);
                (place..bytes.len(), other[random.usize(..=other.len())..].to_vec())
            }
            5 => (place..place, vec![b'['; 1 << random.u8(..12)]),
            6..=8 => {
                let odd = random.choice(ODD_TOKENS).unwrap_or_default();
                (token(bytes, place), odd.into())
            }
            _ => {
                let flipped = bytes.get(place).map(|byte| byte ^ 1 << random.u8(..8));
                (place..end.min(place + 1), flipped.into_iter().collect())
            }
        };
        bytes.splice(range, new);
    }
}

/// A position in `length` bytes: half of the time near the ends, where the structure is, and not among the grey levels.
fn place(length: usize, random: &mut Rng) -> usize {
    let near = length.min(160);
    match random.u8(..4) {
        _ if length == 0 => 0,
        0 => random.usize(..near),
        1 => length - 1 - random.usize(..near),
        _ => random.usize(..length),
    }
}

/// The word or number at or after a position.
fn token(bytes: &[u8], place: usize) -> std::ops::Range<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"\"_-.".contains(byte);
    let rest = &bytes[place..];
    let start = place + rest.iter().position(is_part).unwrap_or(0);
    let length = bytes[start..].iter().position(|byte| !is_part(byte));
    start..start + length.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_the_same_for_the_same_seed_and_never_out_of_bounds() {
        let valid = [Case::new(INFER, b"{\"inputs\":[{\"shape\":[1,2]}]}".to_vec(), Some(3))];
        let run = |seed| {
            let mut random = Rng::with_seed(seed);
            let cases = (0..5_000).map(|_| mutated(&valid, &mut random).request());
            cases.collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let mut empty = Vec::new();
        damage(&mut empty, &[], &mut Rng::with_seed(3));
    }

    #[test]
    fn a_token_is_a_whole_word() {
        let text = b"{\"shape\": [-12.5]}";
        assert_eq!(&text[token(text, 3)], b"hape\"");
        assert_eq!(&text[token(text, 9)], b"-12.5");
        assert!(token(text, 17).is_empty());
    }
}
