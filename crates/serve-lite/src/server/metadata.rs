//! Descriptions of the server and its model, as the protocol and Triton define them.

use serde_json::{Map, Value, json};

use super::AppState;
use super::models::Model;
use crate::contract::{OUTPUTS, PIXELS_INPUT};

/// The supported extensions of the protocol (`docs/protocol` of triton-inference-server/server).
const EXTENSIONS: [&str; 6] = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "schedule_policy",
    "statistics",
];

pub(crate) fn server() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    json!({ "name": "serve-lite (tract)", "version": version, "extensions": EXTENSIONS })
}

pub(crate) fn model(state: &AppState, model: &Model) -> Value {
    let [channels, height, width] = model.classifier.shape.dimensions();
    let n_classes = model.classifier.classes.len();
    let output = |name| json!({ "name": name, "datatype": "FP32", "shape": [-1, n_classes] });
    let parameters: Map<String, Value> =
        parameters(model).into_iter().map(|(key, value)| (key.into(), value)).collect();
    json!({
        "name": state.options.name.as_str(),
        "versions": [model.version_text],
        "platform": "onnx_onnxv1",
        "inputs": [{
            "name": PIXELS_INPUT,
            "datatype": "UINT8",
            "shape": [-1, channels, height, width],
        }],
        "outputs": OUTPUTS.map(output),
        "properties": model.classifier.properties,
        "parameters": parameters,
    })
}

/// What a client has to know to show the model an image: the sides of its input, how an image becomes it, and the
/// background that the training images have, where it is known.
fn parameters(model: &Model) -> Vec<(&'static str, Value)> {
    let classifier = &model.classifier;
    let [channels, height, width] = classifier.shape.dimensions();
    let mut parameters = vec![
        ("channels", channels.into()),
        ("height", height.into()),
        ("width", width.into()),
        ("prepare", classifier.preparation.name().into()),
    ];
    parameters.extend(classifier.background.map(|known| ("background", known.name().into())));
    parameters
}

/// Triton's configuration of the model; its load generator reads the shapes from it.
pub(crate) fn config(state: &AppState, model: &Model) -> Value {
    let (dims, n_classes) = (model.classifier.shape.dimensions(), model.classifier.classes.len());
    let output = |name| json!({ "name": name, "data_type": "TYPE_FP32", "dims": [n_classes] });
    // Triton's parameters are texts (`ModelParameter` of its model_config.proto).
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parameters: Map<String, Value> = parameters(model)
        .into_iter()
        .map(|(key, value)| (key.into(), json!({ "string_value": text(value) })))
        .collect();
    json!({
        "name": state.options.name.as_str(),
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": state.options.max_batch,
        "input": [{ "name": PIXELS_INPUT, "data_type": "TYPE_UINT8", "dims": dims }],
        "output": OUTPUTS.map(output),
        "parameters": parameters,
    })
}

/// Triton's statistics of the current version; times in nanoseconds, measured in whole microseconds.
pub(crate) fn statistics(state: &AppState, model: &Model) -> Value {
    let s = model.counters.statistics();
    let of = |count: u64, us: u64| json!({ "count": count, "ns": us * 1000 });
    json!({ "model_stats": [{
        "name": state.options.name.as_str(),
        "version": model.version_text,
        "inference_count": s.images,
        "execution_count": s.executions,
        "inference_stats": {
            "success": of(s.success, s.request_us),
            "fail": of(s.failure, 0),
            "queue": of(s.success, s.queue_us),
            "compute_input": of(s.success, s.input_us),
            "compute_infer": of(s.success, s.infer_us),
            "compute_output": of(s.success, s.output_us),
        },
        "batch_stats": [],
    }] })
}

/// The index of the repository, which has one model; the reason says why the file is not what serves, if it is not.
pub(crate) fn index(state: &AppState, model: &Model) -> Value {
    let name = state.options.name.as_str();
    let reason = state.models.problem().map(|reason| format!("the file was not loaded: {reason}"));
    let reason = reason.unwrap_or_default();
    json!([{ "name": name, "version": model.version_text, "state": "READY", "reason": reason }])
}
