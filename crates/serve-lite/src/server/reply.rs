//! Writes the reply to an inference request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::failure::Failure;
use super::models::Model;
use super::request::{HEADER_LENGTH, RequestedOutput};
use crate::classifier::Outputs;
use crate::contract::OUTPUTS;

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Serialize)]
struct Header<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<Tensor<'a>>,
}

#[derive(Serialize)]
struct Tensor<'a> {
    name: &'static str,
    datatype: &'static str,
    shape: [usize; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<BinarySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct BinarySize {
    binary_data_size: usize,
}

/// Numbers, or the strings of a classification.
#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Numbers(&'a [f32]),
    Strings(Vec<String>),
}

/// The requested outputs, each in its requested form.
///
/// JSON cannot express a number that is not finite; clients would read `null`. Such an output is a failure of the model
/// in JSON, and is sent unchanged in binary.
pub(crate) fn infer(
    name: &str,
    model: &Model,
    id: Option<&str>,
    requested: &[RequestedOutput],
    outputs: &Outputs,
) -> Result<Response, Failure> {
    let n_classes = outputs.classes;
    let n = outputs.logits.len() / n_classes;
    let mut binary = Vec::new();
    let mut tensors = Vec::with_capacity(requested.len());
    for output in requested {
        let values = [&outputs.logits, &outputs.probabilities][output.index].as_slice();
        let (data, datatype, width) = match output.classification {
            None => (Data::Numbers(values), "FP32", n_classes),
            Some(k) => {
                let k = k.min(n_classes);
                let rows = values.chunks_exact(n_classes);
                let strings =
                    rows.flat_map(|row| classification(row, k, &model.classifier.classes));
                (Data::Strings(strings.collect()), "BYTES", k)
            }
        };
        let (parameters, data) = match output.binary {
            false => {
                let numbers = matches!(data, Data::Numbers(_));
                if numbers && values.iter().any(|value| !value.is_finite()) {
                    return Err(not_finite(OUTPUTS[output.index]));
                }
                (None, Some(data))
            }
            true => {
                let start = binary.len();
                append(&mut binary, &data);
                (Some(BinarySize { binary_data_size: binary.len() - start }), None)
            }
        };
        let shape = [n, width];
        tensors.push(Tensor { name: OUTPUTS[output.index], datatype, shape, parameters, data });
    }
    let header =
        Header { model_name: name, model_version: &model.version_text, id, outputs: tensors };
    let json = serde_json::to_vec(&header).map_err(|error| {
        let message = format!("the reply could not be written: {error}");
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    })?;
    if requested.iter().all(|output| !output.binary) {
        return Ok(([(header::CONTENT_TYPE, JSON)], json).into_response());
    }
    let length = json.len();
    let mut body = json;
    body.append(&mut binary);
    let mut response = ([(header::CONTENT_TYPE, OCTETS)], body).into_response();
    response.headers_mut().insert(HEADER_LENGTH, HeaderValue::from(length));
    Ok(response)
}

/// The failure for an output that is not finite.
pub(crate) fn not_finite(output: &str) -> Failure {
    Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "the model's {output} are not finite for these images, which JSON cannot express: request binary data"
        ),
    )
}

/// `value:index:label` of the `k` highest values, the highest first
/// (`docs/protocol/extension_classification.md` of triton-inference-server/server).
fn classification(row: &[f32], k: usize, classes: &[String]) -> Vec<String> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    order.truncate(k);
    order.into_iter().map(|i| format!("{:.6}:{i}:{}", row[i], classes[i])).collect()
}

/// Appends numbers in little-endian order; a string follows its length in bytes as 32 bits.
fn append(binary: &mut Vec<u8>, data: &Data) {
    match data {
        Data::Numbers(values) => {
            binary.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        Data::Strings(strings) => {
            for string in strings {
                binary.extend((string.len() as u32).to_le_bytes());
                binary.extend(string.as_bytes());
            }
        }
    }
}
