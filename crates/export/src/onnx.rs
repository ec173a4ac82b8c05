//! From a trained network to the bytes of an ONNX file.

use burn::module::Module;
use burn::tensor::Tensor;
use burn_onnx::export::{AxisSpec, InputSpec, OnnxExporter};
use model::Network;
use onnx_ir::{AttributeType, GraphProto, Message, ModelProto, NodeProto, OnnxGraphBuilder};

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::names::{name_values, name_weights};
use crate::simplify::{attribute, node, simplify};

/// Name of the input: raw grey levels, uint8 `[batch, channels, height, width]`.
pub const INPUT: &str = "pixels";
/// Name of the output before softmax, float32 `[batch, classes]`.
pub const LOGITS: &str = "logits";
/// Name of the output after softmax, float32 `[batch, classes]`.
pub const PROBABILITIES: &str = "probabilities";
/// Name of the axis whose length is free.
const BATCH: &str = "batch";
/// `TensorProto.DataType` of the ONNX specification.
const FLOAT: i64 = 1;
/// `TensorProto.DataType` of the ONNX specification.
const UINT8: i32 = 2;

/// The bytes of a self-contained ONNX file that computes what `network` does, with batch normalisation folded into the
/// layers after it. Its input has the shape of the network's images.
///
/// # Errors
/// See [`Error`]; none depends on the weights' values.
pub fn to_onnx(network: &Network, metadata: &Metadata) -> Result<Vec<u8>> {
    if metadata.classes.len() != network.n_classes() {
        return Err(Error::Classes { names: metadata.classes.len(), logits: network.n_classes() });
    }
    let network = network.valid().folded();
    let mut model = capture(&network)?;
    let graph = model.graph.as_mut().ok_or_else(|| graph_error("it is empty"))?;
    name_weights(graph, network.layer_names());
    simplify(graph)?;
    take_bytes(graph)?;
    add_softmax(graph)?;
    name_values(graph);
    graph.name = "kiln".to_owned();
    model.producer_name = "kiln".to_owned();
    model.producer_version.clone_from(&metadata.version);
    model.doc_string =
        format!("{} classes, trained on {}", metadata.classes.len(), metadata.dataset);
    for (key, value) in metadata.properties() {
        model.metadata_props.push(Default::default());
        if let Some(entry) = model.metadata_props.last_mut() {
            entry.key = key.to_owned();
            entry.value = value;
        }
    }
    let invalid = |reason: String| Error::Invalid { reason };
    let bytes = model.write_to_bytes().map_err(|error| invalid(error.to_string()))?;
    OnnxGraphBuilder::new().parse_bytes(&bytes).map_err(|error| invalid(error.to_string()))?;
    Ok(bytes)
}

/// Burn's own export, traced at two batch sizes so that the batch axis is recognised as free.
fn capture(network: &Network) -> Result<ModelProto> {
    let device = network.device();
    let [channels, height, width] = network.shape().dimensions();
    let sample = |batch| Tensor::<4>::zeros([batch, channels, height, width], &device);
    let axes = [AxisSpec::dynamic(BATCH), AxisSpec::Static, AxisSpec::Static, AxisSpec::Static];
    let captured = OnnxExporter::new()
        .export_dynamic(network, sample(2), sample(5), &[InputSpec::new(axes)], Network::forward)
        .map_err(Error::Capture)?;
    ModelProto::parse_from_bytes(captured.as_bytes())
        .map_err(|error| Error::Invalid { reason: error.to_string() })
}

/// Turns the float input into a byte input with a cast after it.
fn take_bytes(graph: &mut GraphProto) -> Result<()> {
    let [input] = graph.input.as_mut_slice() else {
        return Err(graph_error("it does not have exactly one input"));
    };
    let as_float = std::mem::replace(&mut input.name, INPUT.to_owned());
    input.type_.mut_or_insert_default().mut_tensor_type().elem_type = UINT8;
    let mut cast = node("Cast", &[INPUT], &as_float);
    attribute(&mut cast, "to", AttributeType::INT).i = FLOAT;
    graph.node.insert(0, cast);
    Ok(())
}

/// Names the output and adds its softmax as a second one.
fn add_softmax(graph: &mut GraphProto) -> Result<()> {
    let [output] = graph.output.as_mut_slice() else {
        return Err(graph_error("it does not have exactly one output"));
    };
    let unnamed = std::mem::replace(&mut output.name, LOGITS.to_owned());
    let mut probabilities = output.clone();
    probabilities.name = PROBABILITIES.to_owned();
    graph.output.push(probabilities);
    let produces = |node: &&mut NodeProto| node.output.contains(&unnamed);
    let last = graph.node.iter_mut().find(produces);
    let last = last.ok_or_else(|| graph_error("no node produces its output"))?;
    last.output = vec![LOGITS.to_owned()];
    let mut softmax = node("Softmax", &[LOGITS], PROBABILITIES);
    attribute(&mut softmax, "axis", AttributeType::INT).i = -1;
    graph.node.push(softmax);
    Ok(())
}

pub(crate) fn graph_error(reason: impl Into<String>) -> Error {
    Error::Graph { reason: reason.into() }
}
