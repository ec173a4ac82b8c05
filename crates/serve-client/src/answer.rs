//! The tensors of an inference reply, in JSON or in the binary form.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::Reply;
use crate::requests::JSON_LENGTH;

/// What the server answered to an inference request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The JSON of the reply: `id`, `model_version`, a description of every output.
    pub json: Value,
    /// The values of every output, in the order of the JSON's `outputs`.
    pub tensors: Vec<Vec<f32>>,
    /// Whether all outputs came in the binary form, as little-endian float32 after the JSON.
    pub is_binary: bool,
}

impl Answer {
    /// Reads a reply. Errors are any status but 200, a body that is not an inference reply, an output that is not
    /// float32, and bytes that are missing or left over.
    pub fn read(reply: &Reply) -> anyhow::Result<Self> {
        ensure!(reply.status == 200, "{}", reply.summary());
        let length = match reply.header(JSON_LENGTH) {
            Some(length) => length.parse().context("a length of the JSON that is not a number")?,
            None => reply.body.len(),
        };
        let (json, mut bytes) =
            reply.body.split_at_checked(length).context("JSON longer than the body")?;
        let json: Value = serde_json::from_slice(json).context("a reply that is not JSON")?;
        let (mut tensors, mut is_binary) = (Vec::new(), true);
        for output in json["outputs"].as_array().context("a reply without outputs")? {
            ensure!(output["datatype"] == "FP32", "not float32: {output}");
            let size = output["parameters"]["binary_data_size"].as_u64();
            tensors.push(match (size, output["data"].as_array()) {
                (Some(size), None) => {
                    let (tensor, rest) =
                        bytes.split_at_checked(size as usize).context("bytes are missing")?;
                    bytes = rest;
                    let (values, remainder) = tensor.as_chunks();
                    ensure!(remainder.is_empty(), "{size} bytes are not float32");
                    values.iter().map(|&value| f32::from_le_bytes(value)).collect()
                }
                (None, Some(data)) => {
                    is_binary = false;
                    data.iter().map(|value| value.as_f64().unwrap_or(f64::NAN) as f32).collect()
                }
                _ => anyhow::bail!("an output must have either data or a size in bytes: {output}"),
            });
        }
        ensure!(bytes.is_empty(), "{} bytes too many", bytes.len());
        Ok(Self { json, tensors, is_binary })
    }

    /// The request's id, repeated by the server; empty without one.
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap_or_default()
    }

    /// The version of the model that answered; 0 where the reply names none.
    pub fn version(&self) -> u64 {
        self.json["model_version"].as_str().and_then(|version| version.parse().ok()).unwrap_or(0)
    }

    /// The values of an output.
    pub fn output(&self, name: &str) -> Option<&[f32]> {
        let mut outputs = self.json["outputs"].as_array()?.iter().zip(&self.tensors);
        outputs.find(|(output, _)| output["name"] == name).map(|(_, values)| values.as_slice())
    }

    /// Whether an output is there and equal to `expected`, bit by bit.
    pub fn has(&self, output: &str, expected: &[f32]) -> bool {
        self.output(output).is_some_and(|values| same_bits(values, expected))
    }
}

/// Whether all values are equal to the last bit.
pub fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_read_from_json_and_from_bytes() {
        let text = r#"{"id":"a","model_version":"2","outputs":[{"name":"logits","datatype":"FP32","data":[0.5,-1]},
            {"name":"p","datatype":"FP32","parameters":{"binary_data_size":4}}]}"#;
        let body = [text.as_bytes(), &0.25_f32.to_le_bytes()].concat();
        let head = format!("HTTP/1.1 200 OK\r\n{JSON_LENGTH}: {}\r\n\r\n", text.len());
        let reply = |length: usize| Reply {
            status: 200,
            head: head.clone(),
            body: body[..length].to_vec(),
        };
        let answer = Answer::read(&reply(body.len())).unwrap();
        assert_eq!((answer.id(), answer.version(), answer.is_binary), ("a", 2, false));
        assert!(answer.has("logits", &[0.5, -1.0]) && answer.has("p", &[0.25]));
        assert!(!answer.has("p", &[0.5]) && !answer.has("q", &[]));
        assert!(Answer::read(&reply(body.len() - 1)).is_err());
        assert!(Answer::read(&Reply { status: 503, ..Reply::default() }).is_err());
        assert!(reply(body.len()).tensors().is_err());
    }
}
