//! The body of an inference request, in every form that the Open Inference Protocol and its binary
//! extension have.
//!
//! Sources: `specification/protocol/inference_rest.md` of kserve/open-inference-protocol (d49cc23)
//! and `docs/protocol/extension_binary_data.md` of triton-inference-server/server.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::grey_levels;
use crate::classifier::PIXELS;
use crate::contract::{OUTPUTS, PIXELS_INPUT};

/// The header that says how many bytes of a body are JSON; 0 stands for the raw form.
pub(crate) const HEADER_LENGTH: &str = "inference-header-content-length";

/// What a client asks of the model.
#[derive(Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) id: Option<String>,
    /// How long the client waits, if it says so.
    pub(crate) timeout: Option<Duration>,
    /// `n * 784` grey levels; at least one picture.
    pub(crate) pixels: Bytes,
    pub(crate) outputs: Vec<Output>,
}

/// An output that a client asks for, and its form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    /// Index into [`OUTPUTS`].
    pub(crate) index: usize,
    pub(crate) binary: bool,
    /// The most probable classes as text, so many of them, in place of numbers.
    pub(crate) classification: Option<usize>,
}

#[derive(Deserialize)]
struct Header<'a> {
    id: Option<String>,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    outputs: Option<Vec<RequestedOutput>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RequestedOutput {
    name: String,
    parameters: Option<Parameters>,
}

type Parameters = BTreeMap<String, Value>;

/// Reads `body`; `max_batch` is the most pictures it may hold.
///
/// The header [`HEADER_LENGTH`] alone tells the forms apart: clients send what Content-Type they
/// like.
pub(crate) fn parse(headers: &HeaderMap, body: &Bytes, max_batch: usize) -> Result<Asked, Failure> {
    let json_length = json_length(headers, body.len())?;
    if json_length == Some(0) {
        return raw(body);
    }
    let json = body.slice(..json_length.unwrap_or(body.len()));
    let binary = body.slice(json.len()..);
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::bad("the request is not a JSON object: send {\"inputs\": [...]}"));
    }
    // All of it, also where the reader would pass over it unread.
    let json = std::str::from_utf8(&json)
        .map_err(|error| Failure::bad(format!("the request is no UTF-8: {error}")))?;
    let header: Header = serde_json::from_str(json).map_err(|error| {
        Failure::bad(format!("the request is not as the protocol has it: {error}"))
    })?;
    let parameters = header.parameters.unwrap_or_default();
    check_parameters(&parameters)?;
    let binary_outputs = boolean(&parameters, "binary_data_output")?.unwrap_or(false);
    let timeout = unsigned(&parameters, "timeout")?.filter(|&timeout| timeout > 0);
    let outputs = outputs(header.outputs.unwrap_or_default(), binary_outputs)?;
    let pixels = pixels(&header.inputs, binary, max_batch)?;
    Ok(Asked { id: header.id, timeout: timeout.map(Duration::from_micros), pixels, outputs })
}

fn json_length(headers: &HeaderMap, body_length: usize) -> Result<Option<usize>, Failure> {
    let mut values = headers.get_all(HEADER_LENGTH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let length = digits.and_then(|digits| digits.parse::<usize>().ok());
    match length.filter(|&length| length <= body_length && values.next().is_none()) {
        Some(length) => Ok(Some(length)),
        None => Err(Failure::bad(format!(
            "Inference-Header-Content-Length must be one number, at most the body's {body_length} bytes"
        ))),
    }
}

/// The raw form: the bytes of one picture, and nothing else; every output comes back in binary.
fn raw(body: &Bytes) -> Result<Asked, Failure> {
    if body.len() != PIXELS {
        return Err(Failure::bad(format!(
            "a raw request is one picture: send {PIXELS} bytes, not {}",
            body.len()
        )));
    }
    let outputs = outputs(Vec::new(), true)?;
    Ok(Asked { id: None, timeout: None, pixels: body.clone(), outputs })
}

fn pixels(inputs: &[Input], binary: Bytes, max_batch: usize) -> Result<Bytes, Failure> {
    let [input] = inputs else {
        let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(Failure::bad(format!("expected one input, {PIXELS_INPUT}, not {names:?}")));
    };
    let Input { name, shape, datatype, data, .. } = input;
    if name != PIXELS_INPUT {
        return Err(Failure::bad(format!(
            "unexpected input {name:?}: the model has {PIXELS_INPUT}"
        )));
    }
    if datatype != "UINT8" {
        return Err(Failure::bad(format!("{PIXELS_INPUT} has datatype UINT8, not {datatype:?}")));
    }
    let n = match shape[..] {
        [n, 1, 28, 28] if n >= 1 => n,
        _ => {
            return Err(Failure::bad(format!(
                "{PIXELS_INPUT} has shape [n, 1, 28, 28], not {}",
                short(shape)
            )));
        }
    };
    if n > max_batch as u64 {
        return Err(Failure::bad(format!(
            "{n} pictures are more than the {max_batch} of a request: split it"
        )));
    }
    let (n, length) = (n as usize, n as usize * PIXELS);
    let none = Parameters::new();
    let parameters = input.parameters.as_ref().unwrap_or(&none);
    check_parameters(parameters)?;
    if parameters.keys().any(|key| key.starts_with("shared_memory")) {
        return Err(Failure::bad("there is no shared memory here: send the data"));
    }
    match (data, unsigned(parameters, "binary_data_size")?) {
        (Some(_), Some(_)) => {
            Err(Failure::bad(format!("{name} has both data and binary_data_size: send one")))
        }
        (None, None) => {
            Err(Failure::bad(format!("{name} has neither data nor binary_data_size: send one")))
        }
        (Some(_), None) if !binary.is_empty() => Err(left_over(binary.len())),
        (Some(data), None) => {
            grey_levels::parse(data.get(), n).map(Bytes::from).map_err(Failure::bad)
        }
        (None, Some(size)) if size != length as u64 => Err(Failure::bad(format!(
            "{n} pictures are {length} bytes, not the {size} of binary_data_size"
        ))),
        (None, Some(_)) if binary.len() < length => Err(Failure::bad(format!(
            "unexpected size for input '{name}', expecting {} additional bytes",
            length - binary.len()
        ))),
        (None, Some(_)) if binary.len() > length => Err(left_over(binary.len() - length)),
        (None, Some(_)) => Ok(binary),
    }
}

fn left_over(n_bytes: usize) -> Failure {
    Failure::bad(format!("unexpected additional input data, {n_bytes} bytes after the last input"))
}

fn outputs(requested: Vec<RequestedOutput>, binary: bool) -> Result<Vec<Output>, Failure> {
    if requested.is_empty() {
        let all = 0..OUTPUTS.len();
        return Ok(all.map(|index| Output { index, binary, classification: None }).collect());
    }
    let mut outputs: Vec<Output> = Vec::new();
    for RequestedOutput { name, parameters } in requested {
        let Some(index) = OUTPUTS.iter().position(|output| *output == name) else {
            return Err(Failure::bad(format!(
                "unexpected output {name:?}: the model has {}",
                OUTPUTS.join(", ")
            )));
        };
        if outputs.iter().any(|output| output.index == index) {
            return Err(Failure::bad(format!("output {name:?} is asked for twice")));
        }
        let parameters = parameters.unwrap_or_default();
        check_parameters(&parameters)?;
        let classification = unsigned(&parameters, "classification")?.filter(|&k| k > 0);
        outputs.push(Output {
            index,
            binary: boolean(&parameters, "binary_data")?.unwrap_or(binary),
            classification: classification.map(|k| usize::try_from(k).unwrap_or(usize::MAX)),
        });
    }
    Ok(outputs)
}

/// Parameters are a flat object of strings, numbers and booleans.
fn check_parameters(parameters: &Parameters) -> Result<(), Failure> {
    let nested = |value: &&Value| matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
    match parameters.values().find(nested) {
        None => Ok(()),
        Some(_) => Err(Failure::bad("parameters are strings, numbers or booleans, nothing else")),
    }
}

fn boolean(parameters: &Parameters, key: &str) -> Result<Option<bool>, Failure> {
    let Some(value) = parameters.get(key) else { return Ok(None) };
    let value = value.as_bool();
    value.map(Some).ok_or_else(|| Failure::bad(format!("parameter {key} is true or false")))
}

fn unsigned(parameters: &Parameters, key: &str) -> Result<Option<u64>, Failure> {
    let Some(value) = parameters.get(key) else { return Ok(None) };
    let value = value.as_u64();
    value
        .map(Some)
        .ok_or_else(|| Failure::bad(format!("parameter {key} is a whole number, at least 0")))
}

/// A shape as a message shows it: a client may send a hundred thousand dimensions.
fn short(shape: &[u64]) -> String {
    match shape.get(..8) {
        Some(beginning) if shape.len() > 8 => format!("{beginning:?} and {} more", shape.len() - 8),
        _ => format!("{shape:?}"),
    }
}

#[cfg(test)]
mod tests;
