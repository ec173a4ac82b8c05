//! A model repository, the folder that Triton and KServe serve from.
//!
//! The format is that of `docs/user_guide/model_repository.md` and `model_configuration.md` of
//! triton-inference-server/server; the configuration is a protobuf message as text.

use std::path::{Path, PathBuf};

use images::ImageShape;

use crate::onnx::{INPUT, LOGITS, PROBABILITIES};

/// Pictures that Triton may put together, at most; as `serve-lite serve` has it for a request.
const MAX_BATCH: usize = 1024;

/// The files of a repository with one version of one model: where each lies below the repository's
/// folder, and its bytes. The model is the last: whoever writes them in order never shows an engine a
/// version without its configuration.
///
/// `name` must be fit for a folder. A class's name may not have a line break in it, since Triton
/// reads one name a line; such a break becomes a space.
#[must_use]
pub fn triton_repository(
    name: &str,
    classes: &[String],
    shape: ImageShape,
    onnx: Vec<u8>,
) -> Vec<(PathBuf, Vec<u8>)> {
    let model = Path::new(name);
    let labels: String =
        classes.iter().map(|class| class.replace(['\n', '\r'], " ") + "\n").collect();
    vec![
        (model.join("labels.txt"), labels.into_bytes()),
        (model.join("config.pbtxt"), configuration(name, classes.len(), shape).into_bytes()),
        (model.join("1/model.onnx"), onnx),
    ]
}

fn configuration(name: &str, n_classes: usize, shape: ImageShape) -> String {
    let [channels, height, width] = shape.dimensions();
    let output = |output: &str| {
        format!(
            "  {{\n    name: \"{output}\"\n    data_type: TYPE_FP32\n    dims: [ {n_classes} ]\n    \
             label_filename: \"labels.txt\"\n  }}"
        )
    };
    format!(
        "# A kiln model for Triton's ONNX Runtime backend. The first dimension, the batch, is implied.
name: \"{name}\"
platform: \"onnxruntime_onnx\"
max_batch_size: {MAX_BATCH}
input [
  {{
    name: \"{INPUT}\"
    data_type: TYPE_UINT8
    dims: [ {channels}, {height}, {width} ]
  }}
]
output [
{},
{}
]
instance_group [ {{ kind: KIND_CPU }} ]
# Callers' pictures are put together while an instance is busy; nobody waits for company.
dynamic_batching {{ }}
",
        output(LOGITS),
        output(PROBABILITIES)
    )
}
