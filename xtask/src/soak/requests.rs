//! Requests as bytes, and what an answer to one says.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, ensure};
use dataset::PIXELS;
use serde_json::{Value, json};

use super::http::Reply;

/// The name under which the server serves its model unless told otherwise.
pub(super) const MODEL: &str = "mnist";

/// A question about pictures.
#[derive(Clone, Copy)]
pub(super) struct Infer<'a> {
    /// `n * 784` grey levels.
    pub(super) pixels: &'a [u8],
    /// Whether the pictures follow as bytes or stand in the JSON.
    pub(super) binary_in: bool,
    /// Whether the answer's numbers are to follow as bytes.
    pub(super) binary_out: bool,
    /// The outputs to ask for; none asks for all.
    pub(super) outputs: &'a [&'a str],
    pub(super) id: &'a str,
    /// Microseconds until the answer is of no use.
    pub(super) timeout: Option<u64>,
}

impl<'a> Infer<'a> {
    /// What most clients send: bytes both ways, all outputs.
    pub(super) fn binary(pixels: &'a [u8]) -> Self {
        Self { pixels, binary_in: true, binary_out: true, outputs: &[], id: "", timeout: None }
    }

    /// Numbers as text both ways, all outputs.
    pub(super) fn json(pixels: &'a [u8]) -> Self {
        Self { binary_in: false, binary_out: false, ..Self::binary(pixels) }
    }

    /// The body, and the length of its JSON where bytes follow or are asked for.
    pub(super) fn body(&self) -> (Vec<u8>, Option<usize>) {
        let n = self.pixels.len() / PIXELS;
        let mut input = json!({ "name": "pixels", "shape": [n, 1, 28, 28], "datatype": "UINT8" });
        if self.binary_in {
            input["parameters"] = json!({ "binary_data_size": self.pixels.len() });
        } else {
            input["data"] = json!(self.pixels);
        }
        let mut body = json!({ "inputs": [input] });
        if !self.id.is_empty() {
            body["id"] = json!(self.id);
        }
        if self.binary_out && self.outputs.is_empty() {
            body["parameters"]["binary_data_output"] = json!(true);
        }
        if let Some(timeout) = self.timeout {
            body["parameters"]["timeout"] = json!(timeout);
        }
        if !self.outputs.is_empty() {
            let output = |name: &&str| match self.binary_out {
                true => json!({ "name": name, "parameters": { "binary_data": true } }),
                false => json!({ "name": name }),
            };
            body["outputs"] = self.outputs.iter().map(output).collect();
        }
        let mut bytes = body.to_string().into_bytes();
        let length = bytes.len();
        if self.binary_in {
            bytes.extend(self.pixels);
        }
        (bytes, (self.binary_in || self.binary_out).then_some(length))
    }

    /// The whole request.
    pub(super) fn request(&self) -> Vec<u8> {
        self.request_to(&format!("/v2/models/{MODEL}/infer"))
    }

    pub(super) fn request_to(&self, path: &str) -> Vec<u8> {
        let (body, length) = self.body();
        let length = length.map(|length| length.to_string());
        let header = length.as_deref().map(|length| ("Inference-Header-Content-Length", length));
        http("POST", path, header.as_slice(), &body)
    }
}

/// A request with its body's length; what an infer call sends is neither JSON nor not.
pub(super) fn http(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n").into_bytes();
    let mut header = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to memory does not fail.
        let _ = write!(bytes, "{name}: {value}\r\n");
    };
    for (name, value) in headers {
        header(name, value);
    }
    if method == "POST" {
        header("Content-Length", &body.len());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

pub(super) fn get(path: &str) -> Vec<u8> {
    http("GET", path, &[], b"")
}

/// What the server answered to a question about pictures.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) version: u64,
    /// The numbers of every output.
    pub(super) outputs: BTreeMap<String, Vec<f32>>,
}

impl Answer {
    pub(super) fn read(reply: &Reply<'_>) -> anyhow::Result<Self> {
        ensure!(reply.status == 200, "{}: {}", reply.status, reply.text());
        let length = match reply.header("inference-header-content-length") {
            Some(length) => length.parse().context("a header length that is no number")?,
            None => reply.body.len(),
        };
        ensure!(length <= reply.body.len(), "a header longer than the body");
        let (text, mut bytes) = reply.body.split_at(length);
        let said: Value = serde_json::from_slice(text).context("an answer that is no JSON")?;
        let mut answer = Self {
            id: said["id"].as_str().unwrap_or_default().to_owned(),
            version: said["model_version"].as_str().and_then(|v| v.parse().ok()).unwrap_or(0),
            outputs: BTreeMap::new(),
        };
        for output in said["outputs"].as_array().context("an answer without outputs")? {
            let name = output["name"].as_str().context("an output without a name")?;
            let numbers = match output["parameters"]["binary_data_size"].as_u64() {
                Some(size) => {
                    let (own, rest) =
                        bytes.split_at_checked(size as usize).context("bytes are missing")?;
                    bytes = rest;
                    let (numbers, _) = own.as_chunks();
                    numbers.iter().map(|&number| f32::from_le_bytes(number)).collect()
                }
                None => {
                    let data = output["data"].as_array().context("an output without data")?;
                    data.iter().map(|x| x.as_f64().map_or(f32::NAN, |x| x as f32)).collect()
                }
            };
            answer.outputs.insert(name.to_owned(), numbers);
        }
        ensure!(bytes.is_empty(), "{} bytes too many", bytes.len());
        Ok(answer)
    }

    /// Whether an output is there and is, bit by bit, what it should be.
    pub(super) fn is(&self, output: &str, expected: &[f32]) -> bool {
        self.outputs.get(output).is_some_and(|numbers| same_bits(numbers, expected))
    }
}

/// Whether all numbers are the same to the last bit.
pub(super) fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_binary_request_says_where_its_json_ends() {
        let pixels = [9; 2 * PIXELS];
        let (body, length) = Infer { id: "x", ..Infer::binary(&pixels) }.body();
        let length = length.unwrap();
        assert_eq!(body[length..], pixels);
        let said: Value = serde_json::from_slice(&body[..length]).unwrap();
        assert_eq!(said["inputs"][0]["shape"], json!([2, 1, 28, 28]));
        assert_eq!(said["id"], "x");
        assert_eq!(Infer::json(&pixels).body().1, None);
    }

    #[test]
    fn an_answer_is_read_from_text_and_from_bytes() {
        let text = r#"{"id":"a","model_version":"2","outputs":[{"name":"logits","data":[0.5,-1]},
            {"name":"p","parameters":{"binary_data_size":4}}]}"#;
        let head = format!("Inference-Header-Content-Length: {}\r\n", text.len());
        let body = [text.as_bytes(), &0.25_f32.to_le_bytes()].concat();
        let answer = Answer::read(&Reply { status: 200, head: &head, body: &body }).unwrap();
        assert_eq!((answer.id.as_str(), answer.version), ("a", 2));
        assert!(answer.is("logits", &[0.5, -1.0]) && answer.is("p", &[0.25]));
        assert!(!answer.is("p", &[0.5]) && !answer.is("q", &[]));
        let short = Reply { status: 200, head: &head, body: &body[..body.len() - 1] };
        assert!(Answer::read(&short).is_err());
        assert!(Answer::read(&Reply { status: 503, head: "", body: b"" }).is_err());
    }
}
