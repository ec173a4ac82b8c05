//! What an ONNX file has to promise before it is run, and what is left of it for tract.
//!
//! A kiln model takes `pixels`, uint8 `[batch, 1, 28, 28]`, and gives `logits` and `probabilities`,
//! float32 `[batch, classes]`. The metadata entry `kiln.classes` names the classes, as a JSON
//! array.

use std::collections::BTreeMap;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::type_proto::Value as Type;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto};

use images::SIDE;

/// The model's only input.
pub(crate) const PIXELS_INPUT: &str = "pixels";
/// The model's outputs, in the order in which they are asked of tract.
pub(crate) const OUTPUTS: [&str; 2] = ["logits", "probabilities"];
/// The name of the batch in what [`check`] leaves of a model.
pub(crate) const BATCH: &str = "batch";
/// The metadata entry that names the classes.
const CLASSES: &str = "kiln.classes";
/// Beyond the largest axis, kernel, stride, padding or group that a network over 28x28 pixels has a
/// use for; a damaged one would ask for terabytes, and memory that is not there ends the process.
const MAX_ATTRIBUTE: i64 = 1024;

/// Operators whose time and memory follow from the shapes in the file: no loops, no branches,
/// nothing that makes a tensor of a size it computes. A convolutional network needs no others.
#[rustfmt::skip]
const OPERATORS: [&str; 45] = [
    "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant",
    "Conv", "Div", "Dropout", "Elu", "Erf", "Exp", "Flatten", "Gather", "Gelu", "Gemm",
    "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu",
    "Log", "LogSoftmax", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "PRelu", "Pow",
    "Relu", "Reshape", "Shape", "Sigmoid", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh",
    "Transpose", "Unsqueeze",
];

/// Where a file breaks the contract.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// What a file that keeps the contract says about itself.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) classes: Vec<String>,
    pub(crate) properties: BTreeMap<String, String>,
}

/// Checks `model` against the contract and makes of it what tract is to run: a batch named [`BATCH`],
/// without other outputs or the shapes that the file states for what lies between.
pub(crate) fn check(model: &mut ModelProto) -> Result<Contract, Mismatch> {
    let properties: BTreeMap<String, String> =
        model.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let Some(graph) = &mut model.graph else {
        return mismatch("a graph", "none");
    };
    check_input(graph)?;
    for output in OUTPUTS {
        check_output(graph, output)?;
    }
    let classes = class_names(&properties)?;
    for output in OUTPUTS {
        check_width(graph, output, classes.len())?;
    }
    check_operators(graph)?;
    reduce(graph);
    Ok(Contract { classes, properties })
}

/// The name of a weight with a number that is not finite, if there is one.
///
/// Running the model does not reveal it for certain: a maximum with 0 makes 0 of NaN on some CPUs.
pub(crate) fn weight_not_finite(model: &ModelProto) -> Option<&str> {
    let graph = model.graph.as_ref()?;
    let constants = graph.node.iter().flat_map(|node| &node.attribute).filter_map(|a| a.t.as_ref());
    let damaged = |weight: &&TensorProto| {
        let raw = weight.data_type == DataType::Float as i32
            && weight
                .raw_data
                .chunks_exact(size_of::<f32>())
                .any(|b| !f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite());
        raw || weight.float_data.iter().any(|value| !value.is_finite())
    };
    graph.initializer.iter().chain(constants).find(damaged).map(|weight| weight.name.as_str())
}

fn check_input(graph: &GraphProto) -> Result<(), Mismatch> {
    let expected = format!("one input, {PIXELS_INPUT}: uint8 [batch, 1, {SIDE}, {SIDE}]");
    // Files of old ONNX versions list their weights among the inputs.
    let is_weight = |name: &str| graph.initializer.iter().any(|weight| weight.name == name);
    let inputs: Vec<_> = graph.input.iter().filter(|input| !is_weight(&input.name)).collect();
    let fits = |input: &ValueInfoProto| {
        input.name == PIXELS_INPUT
            && element_type(input) == Some(DataType::Uint8)
            && shape(input) == Some(vec![None, Some(1), Some(SIDE as i64), Some(SIDE as i64)])
    };
    match inputs[..] {
        [input] if fits(input) => Ok(()),
        [] => mismatch(expected, "no input"),
        _ => mismatch(expected, inputs.iter().map(|i| describe(i)).collect::<Vec<_>>().join("; ")),
    }
}

fn check_output(graph: &GraphProto, name: &str) -> Result<(), Mismatch> {
    let expected = format!("an output {name}: float32 [batch, classes]");
    let Some(output) = graph.output.iter().find(|output| output.name == name) else {
        let names: Vec<_> = graph.output.iter().map(describe).collect();
        return mismatch(
            expected,
            if names.is_empty() { "no output".into() } else { names.join("; ") },
        );
    };
    let computed = graph.node.iter().any(|node| node.output.iter().any(|o| o == name));
    let float = element_type(output) == Some(DataType::Float);
    match shape(output).as_deref() {
        Some([None, Some(1..)]) if float && computed => Ok(()),
        Some([None, Some(1..)]) if float => mismatch(expected, "no operator that computes it"),
        _ => mismatch(expected, describe(output)),
    }
}

fn class_names(properties: &BTreeMap<String, String>) -> Result<Vec<String>, Mismatch> {
    let expected = format!("a metadata entry {CLASSES} with a JSON array of class names");
    let Some(text) = properties.get(CLASSES) else {
        let keys: Vec<_> = properties.keys().map(String::as_str).collect();
        let found = if keys.is_empty() { "no metadata".into() } else { keys.join(", ") };
        return mismatch(expected, found);
    };
    let Ok(classes) = serde_json::from_str::<Vec<String>>(text) else {
        return mismatch(expected, text);
    };
    for (i, class) in classes.iter().enumerate() {
        if class.is_empty() || class.chars().any(char::is_control) || classes[..i].contains(class) {
            return mismatch(
                "class names that are distinct and printable",
                format!("{class:?} at position {i} of {CLASSES}"),
            );
        }
    }
    Ok(classes)
}

fn check_width(graph: &GraphProto, name: &str, n_classes: usize) -> Result<(), Mismatch> {
    let output = graph.output.iter().find(|output| output.name == name);
    let width = output.and_then(shape).and_then(|shape| shape[1]);
    if width == i64::try_from(n_classes).ok() {
        return Ok(());
    }
    let found = format!("{n_classes} names in {CLASSES}");
    mismatch(format!("a class name for each of the {} {name}", width.unwrap_or(0)), found)
}

fn check_operators(graph: &GraphProto) -> Result<(), Mismatch> {
    for node in &graph.node {
        if !OPERATORS.contains(&node.op_type.as_str()) {
            let expected = "the operators of a convolutional network";
            return mismatch(expected, format!("{:?}", node.op_type));
        }
        for attribute in &node.attribute {
            let AttributeProto { name, i, ints, g, graphs, .. } = attribute;
            let out_of_range = |value: &&i64| !(-MAX_ATTRIBUTE..=MAX_ATTRIBUTE).contains(*value);
            if g.is_some() || !graphs.is_empty() {
                return mismatch("a graph without graphs in it", format!("one in {name:?}"));
            }
            if let Some(value) = ints.iter().chain([i]).find(out_of_range) {
                let expected = format!("attributes within +-{MAX_ATTRIBUTE}");
                return mismatch(expected, format!("{value} in {name:?} of {:?}", node.op_type));
            }
        }
    }
    Ok(())
}

/// Leaves the outputs of the contract, gives the batch a name that tract need not interpret, and
/// forgets every other stated shape: they follow from the operators, and where a file states them
/// wrongly it would be believed.
fn reduce(graph: &mut GraphProto) {
    graph.value_info.clear();
    graph.output = OUTPUTS
        .iter()
        .map(|&name| ValueInfoProto { name: name.into(), ..ValueInfoProto::default() })
        .collect();
    for input in graph.input.iter_mut().filter(|input| input.name == PIXELS_INPUT) {
        if let Some(Type::TensorType(tensor)) = input.r#type.as_mut().and_then(|t| t.value.as_mut())
            && let Some(batch) = tensor.shape.as_mut().and_then(|shape| shape.dim.first_mut())
        {
            batch.value = Some(Dim::DimParam(BATCH.into()));
        }
    }
}

fn element_type(value: &ValueInfoProto) -> Option<DataType> {
    let Type::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    DataType::try_from(tensor.elem_type).ok()
}

/// The dimensions that a file states: a number where it is fixed, `None` where it has a symbol.
fn shape(value: &ValueInfoProto) -> Option<Vec<Option<i64>>> {
    let Type::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    let fixed = |dim: &Option<Dim>| match dim {
        Some(Dim::DimValue(value)) => Some(*value),
        Some(Dim::DimParam(_)) | None => None,
    };
    Some(tensor.shape.as_ref()?.dim.iter().map(|dim| fixed(&dim.value)).collect())
}

/// `pixels: uint8 [?, 1, 28, 28]`
fn describe(value: &ValueInfoProto) -> String {
    let element = match element_type(value) {
        None => "no type".into(),
        Some(DataType::Float) => "float32".into(),
        Some(DataType::Double) => "float64".into(),
        Some(other) => other.as_str_name().to_lowercase(),
    };
    let dims = shape(value).map(|dims| {
        let dims = dims.iter().map(|dim| dim.map_or("?".into(), |dim| dim.to_string()));
        format!(" [{}]", dims.collect::<Vec<_>>().join(", "))
    });
    format!("{}: {element}{}", value.name, dims.unwrap_or_default())
}

fn mismatch<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, Mismatch> {
    Err(Mismatch { expected: expected.into(), found: found.into() })
}
