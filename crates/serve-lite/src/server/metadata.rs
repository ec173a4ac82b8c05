//! What the server says about itself and its model, in the protocol's words and in Triton's.

use images::SIDE;
use serde_json::{Value, json};

use super::Server;
use super::models::Model;
use crate::contract::{OUTPUTS, PIXELS_INPUT};

/// What of the protocol's extensions is here (`docs/protocol` of triton-inference-server/server).
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

pub(crate) fn model(server: &Server, model: &Model) -> Value {
    let n_classes = model.classifier.classes.len();
    let output = |name| json!({ "name": name, "datatype": "FP32", "shape": [-1, n_classes] });
    json!({
        "name": server.options.name.as_str(),
        "versions": [model.version_text],
        "platform": "onnx_onnxv1",
        "inputs": [{ "name": PIXELS_INPUT, "datatype": "UINT8", "shape": [-1, 1, SIDE, SIDE] }],
        "outputs": OUTPUTS.map(output),
        "properties": model.classifier.properties,
    })
}

/// Triton's configuration of the model, from which its load generator learns the shapes.
pub(crate) fn config(server: &Server, model: &Model) -> Value {
    let n_classes = model.classifier.classes.len();
    let output = |name| json!({ "name": name, "data_type": "TYPE_FP32", "dims": [n_classes] });
    json!({
        "name": server.options.name.as_str(),
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "max_batch_size": server.options.max_batch,
        "input": [{ "name": PIXELS_INPUT, "data_type": "TYPE_UINT8", "dims": [1, SIDE, SIDE] }],
        "output": OUTPUTS.map(output),
    })
}

/// Triton's statistics of the version that is served; times in nanoseconds, counted in whole
/// microseconds.
pub(crate) fn statistics(server: &Server, model: &Model) -> Value {
    let s = model.counters.statistics();
    let of = |count: u64, us: u64| json!({ "count": count, "ns": us * 1000 });
    json!({ "model_stats": [{
        "name": server.options.name.as_str(),
        "version": model.version_text,
        "inference_count": s.pictures,
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

/// The repository's models: one.
pub(crate) fn index(server: &Server, model: &Model) -> Value {
    let name = server.options.name.as_str();
    json!([{ "name": name, "version": model.version_text, "state": "READY", "reason": "" }])
}
