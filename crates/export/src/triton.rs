//! A model repository, the folder that Triton and KServe serve from.
//!
//! The format is that of `docs/user_guide/model_repository.md` and `model_configuration.md` of
//! triton-inference-server/server; the configuration is a protobuf message as text.

use std::path::{Path, PathBuf};

use images::ImageShape;

use crate::onnx::{INPUT, LOGITS, PROBABILITIES};

/// Most images that Triton may put into one batch; `serve-lite serve` has the same limit for a request.
const MAX_BATCH: usize = 1024;

/// The files of a repository with one version of one model, which takes images of `shape`: the path of each below the
/// repository's folder, and its bytes. The model comes last, so that if they are written in order, no engine sees a
/// version without its configuration.
///
/// `name` must be a valid folder name. A line break in a class's name becomes a space, since Triton reads one name a
/// line.
#[must_use]
pub fn triton_repository(
    name: &str,
    shape: ImageShape,
    classes: &[String],
    onnx: Vec<u8>,
) -> Vec<(PathBuf, Vec<u8>)> {
    let model = Path::new(name);
    let labels: String =
        classes.iter().map(|class| class.replace(['\n', '\r'], " ") + "\n").collect();
    vec![
        (model.join("labels.txt"), labels.into_bytes()),
        (model.join("config.pbtxt"), configuration(name, shape, classes.len()).into_bytes()),
        (model.join("1/model.onnx"), onnx),
    ]
}

fn configuration(name: &str, shape: ImageShape, n_classes: usize) -> String {
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
# Requests that arrive while an instance is busy are batched; none waits for others.
dynamic_batching {{ }}
",
        output(LOGITS),
        output(PROBABILITIES)
    )
}
