//! Models that fail, and slow ones.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};

use crate::models::{PIXELS, floats, halves, int, ints, node, noise, set_property, sides};

/// An image on which the models here fail, unlike [`sides`]: not all of its pixels are 0 or 255. In the images with which
/// a server tries a new model, all are.
pub(crate) fn grey() -> Vec<u8> {
    let mut image = halves(30, 10);
    image[400] = 128;
    image
}

/// [`sides`], but with a lookup in a table of one entry by how grey the image is: tract fails beyond the table.
pub(crate) fn poisonable() -> ModelProto {
    sides_shifted(&look_up())
}

/// [`sides`], but a grey image gets infinite logits and NaN as probabilities.
pub(crate) fn overflowing() -> ModelProto {
    sides_shifted(&[
        node("Exp", &["greyness"], "power", vec![]),
        node("Sub", &["power", "one"], "shift", vec![]),
    ])
}

/// A deep network: each layer takes a core some milliseconds per image, 40 layers take 100 ms or more.
pub(crate) fn slow(layers: usize) -> ModelProto {
    let (nodes, weights) = deep(layers, "logits");
    of(nodes, weights)
}

/// A deep network that fails on a grey image, slow enough for requests to gather in a batch.
pub(crate) fn slow_and_poisonable(layers: usize) -> ModelProto {
    let (mut nodes, mut weights) = deep(layers, "unshifted");
    nodes.push(node("Flatten", &["levels"], "flat", vec![]));
    nodes.extend(shift(&look_up()));
    weights.extend(constants());
    of(nodes, weights)
}

fn look_up() -> Vec<NodeProto> {
    vec![
        node("Cast", &["greyness"], "index", vec![int("to", DataType::Int64 as i64)]),
        node("Gather", &["table", "index"], "shift", vec![]),
    ]
}

fn sides_shifted(last: &[NodeProto]) -> ModelProto {
    let mut nodes = vec![
        node("Cast", &["pixels"], "levels", vec![int("to", DataType::Float as i64)]),
        node("Flatten", &["levels"], "flat", vec![]),
        node("Gemm", &["flat", "weight", "bias"], "unshifted", vec![]),
    ];
    nodes.extend(shift(last));
    let mut weights = sides().graph.unwrap().initializer;
    weights.extend(constants());
    of(nodes, weights)
}

/// From `flat` pixels and `unshifted` to `logits`: adds a `shift`, which the `last` operators compute from the `greyness`,
/// the sum of `level * (255 - level)`: 0 if all pixels are 0 or 255.
fn shift(last: &[NodeProto]) -> Vec<NodeProto> {
    let mut nodes = vec![
        node("Sub", &["full", "flat"], "missing", vec![]),
        node("Mul", &["flat", "missing"], "greys", vec![]),
        node("MatMul", &["greys", "ones"], "greyness", vec![]),
    ];
    nodes.extend_from_slice(last);
    nodes.push(node("Add", &["unshifted", "shift"], "logits", vec![]));
    nodes
}

fn constants() -> [TensorProto; 4] {
    [
        floats("full", &[1], [255.0]),
        floats("ones", &[PIXELS as i64, 1], [1.0; PIXELS]),
        floats("table", &[1], [0.0]),
        floats("one", &[1], [1.0]),
    ]
}

/// Convolutions that share their weights, so that the file is small; three outputs.
fn deep(layers: usize, output: &str) -> (Vec<NodeProto>, Vec<TensorProto>) {
    const CHANNELS: i64 = 96;
    let conv = |input: &str, weight: &str, output: &str| {
        let attributes = vec![ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1])];
        node("Conv", &[input, weight], output, attributes)
    };
    let mut nodes = vec![
        node("Cast", &["pixels"], "levels", vec![int("to", DataType::Float as i64)]),
        conv("levels", "first", "layer0"),
    ];
    for layer in 1..=layers {
        let sum = format!("sum{layer}");
        nodes.push(conv(&format!("layer{}", layer - 1), "deep", &sum));
        // Not ReLU, with which a kernel would make it fast.
        nodes.push(node("LeakyRelu", &[&sum], &format!("layer{layer}"), vec![]));
    }
    nodes.extend([
        node("GlobalAveragePool", &[&format!("layer{layers}")], "mean", vec![]),
        node("Flatten", &["mean"], "means", vec![]),
        node("Gemm", &["means", "last", "bias"], output, vec![]),
    ]);
    let weights = vec![
        noise("first", &[CHANNELS, 1, 3, 3]),
        noise("deep", &[CHANNELS, CHANNELS, 3, 3]),
        noise("last", &[CHANNELS, 3]),
        floats("bias", &[3], [0.0; 3]),
    ];
    (nodes, weights)
}

/// A model with the interface and metadata of [`sides`] around other operators that compute the logits.
fn of(mut nodes: Vec<NodeProto>, weights: Vec<TensorProto>) -> ModelProto {
    nodes.push(node("Softmax", &["logits"], "probabilities", vec![int("axis", -1)]));
    let mut model = sides();
    let graph = model.graph.as_mut().unwrap();
    (graph.node, graph.initializer) = (nodes, weights);
    model
}

/// [`sides`] with `bias` as the logit of the class `blank`.
pub(crate) fn biased(bias: f32) -> ModelProto {
    let mut model = sides();
    let weights = &mut model.graph.as_mut().unwrap().initializer;
    replace(weights, floats("bias", &[3], [0.0, 0.0, bias]));
    set_property(&mut model, "kiln.version", &bias.to_string());
    model
}

/// [`sides`] with a weight that is NaN.
pub(crate) fn damaged() -> ModelProto {
    biased(f32::NAN)
}

fn replace(weights: &mut [TensorProto], weight: TensorProto) {
    let old = weights.iter_mut().find(|old| old.name == weight.name).unwrap();
    *old = weight;
}
