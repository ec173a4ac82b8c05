//! From a trained network to the bytes of an ONNX file.
//!
//! ```text
//! pixels (uint8) -> Cast -> Sub mean -> Div scale -> the network's layers -> logits -> Softmax -> probabilities
//! ```

use model::{Attribute, Network, Operator, Weights};
use prost::Message;

use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::proto::{
    self, Dimension, Graph, Length, Model, Node, OperatorSet, Property, Shape, Tensor, TensorType,
    Type, Value,
};

/// Name of the input: raw levels, uint8 `[batch, channels, height, width]`.
pub const INPUT: &str = "pixels";
/// Name of the output before softmax, float32 `[batch, classes]`.
pub const LOGITS: &str = "logits";
/// Name of the output after softmax, float32 `[batch, classes]`.
pub const PROBABILITIES: &str = "probabilities";
/// Name of the axis whose length is free.
const BATCH: &str = "batch";
/// Version of the file format.
const IR_VERSION: i64 = 8;
/// Version of the standard operators.
const OPERATORS: i64 = 18;
/// `TensorProto.DataType` of the ONNX specification.
const FLOAT: i32 = 1;
/// `TensorProto.DataType` of the ONNX specification.
const UINT8: i32 = 2;

/// The bytes of a self-contained ONNX file that computes what `network` does in inference, its batch normalisation
/// folded into the layers after it.
///
/// # Errors
/// [`Error::Classes`] where the class names do not fit the network.
pub fn to_onnx(network: &Network, metadata: &Metadata) -> Result<Vec<u8>> {
    let Metadata { classes, dataset, version, .. } = metadata;
    if classes.len() != network.n_classes() {
        return Err(Error::Classes { names: classes.len(), logits: network.n_classes() });
    }
    let property = |(key, value): (&str, String)| Property { key: key.to_owned(), value };
    let model = Model {
        ir_version: IR_VERSION,
        producer_name: "kiln".to_owned(),
        producer_version: version.clone(),
        doc_string: format!("{} classes, trained on {dataset}", classes.len()),
        graph: Some(graph(&network.clone().folded())),
        opset_import: vec![OperatorSet { version: OPERATORS }],
        metadata_props: metadata.properties().into_iter().map(property).collect(),
    };
    Ok(model.encode_to_vec())
}

/// The graph of an inference network.
fn graph(network: &Network) -> Graph {
    let (mean, scale) = network.standardisation();
    let mut nodes = vec![
        node("grey_levels", "Cast", &[INPUT], &[("to", Attribute::Int(FLOAT.into()))]),
        node("centred", "Sub", &["grey_levels", "mean"], &[]),
        node("standardised", "Div", &["centred", "scale"], &[]),
    ];
    let mut constants = Vec::new();
    for (name, Operator { op_type, attributes, weights }) in network.operators() {
        let names: Vec<_> =
            weights.iter().map(|weights| format!("{name}.{}", weights.name)).collect();
        let before = nodes.last().map(|node| node.name.clone()).unwrap_or_default();
        let inputs: Vec<_> = [&before].into_iter().chain(&names).map(String::as_str).collect();
        nodes.push(node(&name, op_type, &inputs, &attributes));
        constants
            .extend(names.into_iter().zip(weights).map(|(name, weights)| tensor(name, weights)));
    }
    constants.sort_by(|a, b| a.name.cmp(&b.name));
    for (name, values) in [("mean", mean), ("scale", scale)] {
        // A number for each channel of `[batch, channels, height, width]`.
        let dimensions = if values.len() == 1 { vec![1] } else { vec![values.len(), 1, 1] };
        let values = values.iter().map(|&value| value as f32).collect();
        let value = Weights { name, dimensions, values };
        constants.push(tensor(name.to_owned(), value));
    }
    if let Some(last) = nodes.last_mut() {
        last.output = vec![LOGITS.to_owned()];
    }
    let mut softmax = node("softmax1", "Softmax", &[LOGITS], &[("axis", Attribute::Int(-1))]);
    softmax.output = vec![PROBABILITIES.to_owned()];
    nodes.push(softmax);
    Graph {
        node: nodes,
        name: "kiln".to_owned(),
        initializer: constants,
        input: vec![value(INPUT, UINT8, &network.shape().dimensions())],
        output: [LOGITS, PROBABILITIES]
            .map(|name| value(name, FLOAT, &[network.n_classes()]))
            .to_vec(),
    }
}

/// A node whose only output has the node's name.
fn node(name: &str, op_type: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> Node {
    Node {
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![name.to_owned()],
        name: name.to_owned(),
        op_type: op_type.to_owned(),
        attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
    }
}

/// An attribute; the numbers are `AttributeProto.AttributeType` of the ONNX specification.
fn attribute(name: &str, value: &Attribute) -> proto::Attribute {
    let mut attribute = proto::Attribute { name: name.to_owned(), ..Default::default() };
    match value {
        Attribute::Float(value) => (attribute.r#type, attribute.f) = (1, *value),
        Attribute::Int(value) => (attribute.r#type, attribute.i) = (2, *value),
        Attribute::Ints(values) => (attribute.r#type, attribute.ints) = (7, values.clone()),
    }
    attribute
}

fn tensor(name: String, weights: Weights) -> Tensor {
    Tensor {
        dims: weights.dimensions.into_iter().map(|length| length as i64).collect(),
        data_type: FLOAT,
        name,
        raw_data: weights.values.into_iter().flat_map(f32::to_le_bytes).collect(),
    }
}

/// An input or output `[batch, lengths...]`.
fn value(name: &str, elem_type: i32, lengths: &[usize]) -> Value {
    let fixed = lengths.iter().map(|&length| Length::Fixed(length as i64));
    let dim = [Length::Free(BATCH.to_owned())].into_iter().chain(fixed);
    let dim = dim.map(|length| Dimension { length: Some(length) }).collect();
    let tensor_type = Some(TensorType { elem_type, shape: Some(Shape { dim }) });
    Value { name: name.to_owned(), r#type: Some(Type { tensor_type }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use burn::tensor::Device;
    use images::ImageShape;
    use model::NetworkConfig;
    use run::{Architecture, NetworkSettings};

    use super::*;

    fn graph_of(config: &NetworkConfig) -> Graph {
        graph(&Network::new(config, 1, &Device::flex()).unwrap().folded())
    }

    fn nodes(graph: &Graph) -> Vec<&str> {
        graph.node.iter().map(|node| node.name.as_str()).collect()
    }

    fn constants(graph: &Graph) -> Vec<&str> {
        graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect()
    }

    #[test]
    fn nodes_and_weights_of_the_article_have_the_documented_names() {
        let config = NetworkConfig::article(10, ImageShape::DIGIT, 33.3, 78.6);
        let graph = graph_of(&config);
        #[rustfmt::skip]
        assert_eq!(nodes(&graph), [
            "grey_levels", "centred", "standardised", "conv1", "relu1", "conv2", "relu2", "maxpool1", "flatten1",
            "dense1", "relu3", "dense2", "softmax1",
        ]);
        #[rustfmt::skip]
        assert_eq!(constants(&graph), [
            "conv1.bias", "conv1.weight", "conv2.bias", "conv2.weight", "dense1.bias", "dense1.weight",
            "dense2.bias", "dense2.weight", "mean", "scale",
        ]);
    }

    #[test]
    fn normalisation_is_folded_and_the_input_has_the_shape_of_the_images() {
        let shape = ImageShape { channels: 3, height: 20, width: 32 };
        let config = NetworkConfig::article(10, shape, 33.3, 78.6);
        let settings = NetworkSettings {
            architecture: Architecture::Vgg,
            depth: 5,
            width: 2,
            hidden: 3,
            batch_norm: true,
            ..config.settings
        };
        let graph = graph_of(&NetworkConfig { settings, ..config });
        #[rustfmt::skip]
        assert_eq!(nodes(&graph), [
            "grey_levels", "centred", "standardised", "conv1", "relu1", "conv2", "relu2", "maxpool1", "conv3", "relu3",
            "middle", "relu4", "conv4", "relu5", "maxpool2", "flatten1", "dense1", "relu6", "dense2", "softmax1",
        ]);
        let tensor = graph.input[0].r#type.clone().unwrap().tensor_type.unwrap();
        let lengths: Vec<_> =
            tensor.shape.unwrap().dim.into_iter().map(|d| d.length.unwrap()).collect();
        let fixed = [3, 20, 32].map(Length::Fixed);
        assert_eq!(lengths, [&[Length::Free("batch".to_owned())][..], &fixed].concat());
    }
}
