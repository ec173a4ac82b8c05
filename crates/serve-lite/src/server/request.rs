//! Parses the body of an inference request, in all forms of the Open Inference Protocol and its binary extension.
//!
//! Sources: `specification/protocol/inference_rest.md` of kserve/open-inference-protocol (d49cc23)
//! and `docs/protocol/extension_binary_data.md` of triton-inference-server/server.

mod parameters;

use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use images::ImageShape;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use super::tensor_data;
use crate::contract::{OUTPUTS, PIXELS_INPUT};
use parameters::{Parameters, boolean, check_parameters, unsigned};

/// The header with the number of bytes of the body that are JSON; 0 means the raw form.
pub(crate) const HEADER_LENGTH: &str = "inference-header-content-length";

/// A parsed inference request.
#[derive(Debug, PartialEq)]
pub(crate) struct InferRequest {
    pub(crate) id: Option<String>,
    /// The request's own timeout, if it has one.
    pub(crate) timeout: Option<Duration>,
    /// `[n, channels, height, width]`; at least one image.
    pub(crate) pixels: Bytes,
    pub(crate) outputs: Vec<RequestedOutput>,
}

/// A requested output, and its form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RequestedOutput {
    /// Index into [`OUTPUTS`].
    pub(crate) index: usize,
    pub(crate) binary: bool,
    /// The number of most probable classes to return as strings instead of numbers.
    pub(crate) classification: Option<usize>,
}

#[derive(Deserialize)]
struct Header<'a> {
    id: Option<String>,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    inputs: Vec<InputHeader<'a>>,
    outputs: Option<Vec<OutputHeader>>,
}

#[derive(Deserialize)]
struct InputHeader<'a> {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OutputHeader {
    name: String,
    parameters: Option<Parameters>,
}

/// Parses `body`, which has at most `max_batch` images of `shape`.
///
/// Only the header [`HEADER_LENGTH`] decides the form: clients send various Content-Types for the same one.
pub(crate) fn parse(
    headers: &HeaderMap,
    body: &Bytes,
    shape: ImageShape,
    max_batch: usize,
) -> Result<InferRequest, Failure> {
    let json_length = json_length(headers, body.len())?;
    if json_length == Some(0) {
        return raw(body, shape);
    }
    let json = body.slice(..json_length.unwrap_or(body.len()));
    let binary = body.slice(json.len()..);
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::bad("the request is not a JSON object: send {\"inputs\": [...]}"));
    }
    // All of the text, also the values that serde_json would skip.
    let json = std::str::from_utf8(&json)
        .map_err(|error| Failure::bad(format!("the request is not UTF-8: {error}")))?;
    let header: Header = serde_json::from_str(json).map_err(|error| {
        Failure::bad(format!("the request does not follow the protocol: {error}"))
    })?;
    let parameters = header.parameters.unwrap_or_default();
    check_parameters(&parameters)?;
    let binary_outputs = boolean(&parameters, "binary_data_output")?.unwrap_or(false);
    let timeout = unsigned(&parameters, "timeout")?.filter(|&timeout| timeout > 0);
    let outputs = outputs(header.outputs.unwrap_or_default(), binary_outputs)?;
    let pixels = pixels(&header.inputs, binary, shape, max_batch)?;
    Ok(InferRequest { id: header.id, timeout: timeout.map(Duration::from_micros), pixels, outputs })
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

/// The raw form: only the bytes of one image; all outputs are returned in binary.
fn raw(body: &Bytes, shape: ImageShape) -> Result<InferRequest, Failure> {
    let (size, length) = (shape.size(), body.len());
    if length != size {
        let message = format!("a raw request is one image: send {size} bytes, not {length}");
        return Err(Failure::bad(message));
    }
    let outputs = outputs(Vec::new(), true)?;
    Ok(InferRequest { id: None, timeout: None, pixels: body.clone(), outputs })
}

/// The pixels of the request's only input, from its JSON or from `binary`.
fn pixels(
    inputs: &[InputHeader],
    binary: Bytes,
    expected: ImageShape,
    max_batch: usize,
) -> Result<Bytes, Failure> {
    let [input] = inputs else {
        let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
        return Err(Failure::bad(format!("expected one input, {PIXELS_INPUT}, not {names:?}")));
    };
    let InputHeader { name, shape, datatype, data, .. } = input;
    if name != PIXELS_INPUT {
        return Err(Failure::bad(format!(
            "unexpected input {name:?}: the model has {PIXELS_INPUT}"
        )));
    }
    if datatype != "UINT8" {
        return Err(Failure::bad(format!("{PIXELS_INPUT} has datatype UINT8, not {datatype:?}")));
    }
    let [channels, height, width] = expected.dimensions();
    let n = match shape[..] {
        [n, ref rest @ ..] if n >= 1 && *rest == expected.dimensions().map(|dim| dim as u64) => n,
        _ => {
            return Err(Failure::bad(format!(
                "{PIXELS_INPUT} has shape [n, {channels}, {height}, {width}], not {}",
                shortened(shape)
            )));
        }
    };
    if n > max_batch as u64 {
        return Err(Failure::bad(format!(
            "the shape has {n} images, more than the {max_batch} of a request: split it"
        )));
    }
    let (n, length) = (n as usize, n as usize * expected.size());
    let none = Parameters::new();
    let parameters = input.parameters.as_ref().unwrap_or(&none);
    check_parameters(parameters)?;
    if parameters.keys().any(|key| key.starts_with("shared_memory")) {
        return Err(Failure::bad("shared memory is not supported: send the data"));
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
            tensor_data::parse(data.get(), n, expected).map(Bytes::from).map_err(Failure::bad)
        }
        (None, Some(size)) if size != length as u64 => Err(Failure::bad(format!(
            "the shape of {n} images has {length} bytes, not the {size} of binary_data_size"
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

/// The requested outputs, or all if none is named; they are in binary by default if `binary`.
fn outputs(requested: Vec<OutputHeader>, binary: bool) -> Result<Vec<RequestedOutput>, Failure> {
    if requested.is_empty() {
        let all = |index| RequestedOutput { index, binary, classification: None };
        return Ok((0..OUTPUTS.len()).map(all).collect());
    }
    let mut outputs: Vec<RequestedOutput> = Vec::new();
    for OutputHeader { name, parameters } in requested {
        let Some(index) = OUTPUTS.iter().position(|output| *output == name) else {
            return Err(Failure::bad(format!(
                "unexpected output {name:?}: the model has {}",
                OUTPUTS.join(", ")
            )));
        };
        if outputs.iter().any(|output| output.index == index) {
            return Err(Failure::bad(format!("output {name:?} is requested twice")));
        }
        let parameters = parameters.unwrap_or_default();
        check_parameters(&parameters)?;
        let classification = unsigned(&parameters, "classification")?.filter(|&k| k > 0);
        outputs.push(RequestedOutput {
            index,
            binary: boolean(&parameters, "binary_data")?.unwrap_or(binary),
            classification: classification.map(|k| usize::try_from(k).unwrap_or(usize::MAX)),
        });
    }
    Ok(outputs)
}

/// A shape for a message: a client can send a hundred thousand dimensions.
fn shortened(shape: &[u64]) -> String {
    match shape.get(..8) {
        Some(beginning) if shape.len() > 8 => format!("{beginning:?} and {} more", shape.len() - 8),
        _ => format!("{shape:?}"),
    }
}

#[cfg(test)]
mod tests;
