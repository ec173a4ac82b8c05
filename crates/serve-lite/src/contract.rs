//! The contract that an ONNX file must meet before it is run, and the reduced model that tract gets.
//!
//! A kiln model takes `pixels`, uint8 `[batch, channels, height, width]`, and gives `logits` and `probabilities`,
//! float32 `[batch, classes]`. The metadata entry `kiln.classes` names the classes, as a JSON array.

use std::collections::{BTreeMap, BTreeSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::type_proto::Value as Type;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto};

use images::{Background, ImageShape, Preparation};

use crate::text::shortened;

/// The model's only input.
pub(crate) const PIXELS_INPUT: &str = "pixels";
/// The model's outputs, in the order in which tract gives them.
pub(crate) const OUTPUTS: [&str; 2] = ["logits", "probabilities"];
/// The name of the batch dimension in a model that [`check`] has reduced.
pub(crate) const BATCH: &str = "batch";
/// The metadata entry that names the classes.
const CLASSES: &str = "kiln.classes";
/// The largest axis, kernel, stride, padding or group of an operator, and the most channels, rows or columns of an
/// image. A damaged file could ask for terabytes, and an allocation that fails ends the process.
const MAX_ATTRIBUTE: i64 = 1024;
/// The largest image, in bytes: as much as the server accepts in a request by default (`--max-body`).
const MAX_IMAGE_BYTES: usize = 4 << 20;
/// The most operators: four times those of the deepest convolutional networks in use. tract takes a second for 10,000
/// and minutes for 100,000.
const MAX_NODES: usize = 2048;
/// The most inputs, outputs and weights of a graph, and the most inputs and outputs of its operators together.
const MAX_VALUES: usize = 8 * MAX_NODES;
/// The most metadata, in bytes: the server sends it to every client that asks. kiln's own has a few thousand.
const MAX_METADATA: usize = 1 << 20;
/// The longest name of a class, in characters: as long as the name of a folder of images can be.
const MAX_CLASS_NAME: usize = 255;
/// How much of a file's text a message quotes, in bytes.
const MAX_QUOTE: usize = 200;

/// Operators whose time and memory follow from the shapes in the file: no loops, no branches, no tensor whose size is
/// computed at run time. A convolutional network needs no others.
#[rustfmt::skip]
const OPERATORS: [&str; 45] = [
    "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant",
    "Conv", "Div", "Dropout", "Elu", "Erf", "Exp", "Flatten", "Gather", "Gelu", "Gemm",
    "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu",
    "Log", "LogSoftmax", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "PRelu", "Pow",
    "Relu", "Reshape", "Shape", "Sigmoid", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh",
    "Transpose", "Unsqueeze",
];

/// How a file breaks the contract.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// What a file that meets the contract says about itself.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) shape: ImageShape,
    pub(crate) classes: Vec<String>,
    pub(crate) preparation: Preparation,
    pub(crate) doubtful_below: f32,
    pub(crate) background: Option<Background>,
    pub(crate) properties: BTreeMap<String, String>,
}

/// Checks `model` against the contract and reduces it to what tract runs: the batch dimension is named [`BATCH`], and
/// other outputs and the stated shapes of intermediate values are removed.
pub(crate) fn check(model: &mut ModelProto) -> Result<Contract, Mismatch> {
    check_metadata_size(model)?;
    let properties: BTreeMap<String, String> =
        model.metadata_props.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
    let Some(graph) = &mut model.graph else {
        return mismatch("a graph", "none");
    };
    check_graph_size(graph)?;
    let shape = input_shape(graph)?;
    for output in OUTPUTS {
        check_output(graph, output)?;
    }
    let classes = class_names(&properties)?;
    for output in OUTPUTS {
        check_width(graph, output, classes.len())?;
    }
    check_operators(graph)?;
    reduce(graph);
    let preparation = preparation(&properties, shape)?;
    let doubtful_below = doubtful_below(&properties)?;
    let background = background(&properties)?;
    Ok(Contract { shape, classes, preparation, doubtful_below, background, properties })
}

/// The name of a weight with a value that is not finite, if there is one.
///
/// Running the model may not reveal it: on some CPUs the maximum of NaN and 0 is 0.
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

fn check_metadata_size(model: &ModelProto) -> Result<(), Mismatch> {
    let entries = model.metadata_props.iter();
    let n_bytes: usize = entries.map(|entry| entry.key.len() + entry.value.len()).sum();
    match n_bytes <= MAX_METADATA {
        true => Ok(()),
        false => mismatch("metadata of at most 1 MiB", format!("{n_bytes} bytes")),
    }
}

/// Bounds the time to load a graph: before anything else looks at it, because the checks compare names with names.
fn check_graph_size(graph: &GraphProto) -> Result<(), Mismatch> {
    let of_nodes = graph.node.iter().map(|node| node.input.len() + node.output.len()).sum();
    let of_graph = graph.input.len() + graph.output.len() + graph.initializer.len();
    for (what, n, most) in [
        ("operators", graph.node.len(), MAX_NODES),
        ("inputs and outputs of operators", of_nodes, MAX_VALUES),
        ("inputs, outputs and weights", of_graph, MAX_VALUES),
    ] {
        if n > most {
            return mismatch(format!("at most {most} {what}"), n.to_string());
        }
    }
    Ok(())
}

/// The shape of one image, from the model's only input.
fn input_shape(graph: &GraphProto) -> Result<ImageShape, Mismatch> {
    let expected = format!(
        "one input, {PIXELS_INPUT}: uint8 [batch, channels, height, width], each of the three 1 to {MAX_ATTRIBUTE}, \
         and an image of at most {} MiB",
        MAX_IMAGE_BYTES >> 20
    );
    // Files of old ONNX versions list their weights among the inputs.
    let is_weight = |name: &str| graph.initializer.iter().any(|weight| weight.name == name);
    let inputs: Vec<_> = graph.input.iter().filter(|input| !is_weight(&input.name)).collect();
    if let [input] = inputs[..]
        && input.name == PIXELS_INPUT
        && element_type(input) == Some(DataType::Uint8)
        && let Some(shape) = image_shape(input)
    {
        return Ok(shape);
    }
    let found: Vec<_> = inputs.iter().map(|input| describe(input)).collect();
    mismatch(expected, if found.is_empty() { "no input".into() } else { found.join("; ") })
}

/// `[batch, channels, height, width]` as the shape of one image, if the batch is free and the rest is within the
/// limits.
fn image_shape(input: &ValueInfoProto) -> Option<ImageShape> {
    let size = |dim: i64| (1..=MAX_ATTRIBUTE).contains(&dim).then_some(dim as usize);
    let [None, Some(channels), Some(height), Some(width)] = dimensions(input)?[..] else {
        return None;
    };
    let shape =
        ImageShape { channels: size(channels)?, height: size(height)?, width: size(width)? };
    (shape.size() <= MAX_IMAGE_BYTES).then_some(shape)
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
    match dimensions(output).as_deref() {
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
    let mut names = BTreeSet::new();
    for (i, class) in classes.iter().enumerate() {
        let is_printable = !class.is_empty() && !class.chars().any(char::is_control);
        let is_short = class.len() <= MAX_CLASS_NAME || class.chars().count() <= MAX_CLASS_NAME;
        if !(is_printable && is_short && names.insert(class)) {
            let class = shortened(class, MAX_QUOTE / 2);
            return mismatch(
                format!(
                    "class names that are distinct, printable, and of at most {MAX_CLASS_NAME} characters"
                ),
                format!("{class:?} at position {i} of {CLASSES}"),
            );
        }
    }
    Ok(classes)
}

/// How images become inputs. Files of earlier versions do not say it: those of digits prepared them.
fn preparation(
    properties: &BTreeMap<String, String>,
    shape: ImageShape,
) -> Result<Preparation, Mismatch> {
    if let Some(name) = properties.get("kiln.prepare") {
        return match Preparation::named(name) {
            Some(Preparation::Digit) if shape != ImageShape::DIGIT => {
                let [channels, height, width] = shape.dimensions();
                let found = format!("{channels}x{height}x{width}");
                mismatch("an input of 1x28x28, which kiln.prepare = digit gives", found)
            }
            Some(preparation) => Ok(preparation),
            None => mismatch("kiln.prepare: digit, stretch, fit or crop", name),
        };
    }
    let is = |key: &str, value: &str| properties.get(key).is_some_and(|found| found == value);
    let digits = is("kiln.dataset", "MNIST") || is("kiln.synthetic", "true");
    let digits = digits && shape == ImageShape::DIGIT;
    Ok(if digits { Preparation::Digit } else { Preparation::Stretch })
}

fn doubtful_below(properties: &BTreeMap<String, String>) -> Result<f32, Mismatch> {
    let Some(text) = properties.get("kiln.doubtful_below") else { return Ok(0.0) };
    match text.parse() {
        Ok(below) if (0.0..=1.0).contains(&below) => Ok(below),
        _ => mismatch("kiln.doubtful_below: a probability", text),
    }
}

fn background(properties: &BTreeMap<String, String>) -> Result<Option<Background>, Mismatch> {
    let Some(name) = properties.get("kiln.background") else { return Ok(None) };
    let named = Background::named(name);
    named.map_or_else(|| mismatch("kiln.background: dark or bright", name), |named| Ok(Some(named)))
}

fn check_width(graph: &GraphProto, name: &str, n_classes: usize) -> Result<(), Mismatch> {
    let output = graph.output.iter().find(|output| output.name == name);
    let width = output.and_then(dimensions).and_then(|dims| dims[1]);
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
                return mismatch("a graph without subgraphs", format!("one in {name:?}"));
            }
            if let Some(value) = ints.iter().chain([i]).find(out_of_range) {
                let expected = format!("attributes within +-{MAX_ATTRIBUTE}");
                return mismatch(expected, format!("{value} in {name:?} of {:?}", node.op_type));
            }
        }
    }
    Ok(())
}

/// Keeps only the contract's outputs, names the batch dimension, and removes every other stated shape: shapes follow
/// from the operators, and tract would believe a wrong statement.
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

/// The stated dimensions of an input or output: a number where one is fixed, `None` where it is a symbol.
fn dimensions(value: &ValueInfoProto) -> Option<Vec<Option<i64>>> {
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
    let dims = dimensions(value).map(|dims| {
        let dims = dims.iter().map(|dim| dim.map_or("?".into(), |dim| dim.to_string()));
        format!(" [{}]", dims.collect::<Vec<_>>().join(", "))
    });
    format!("{}: {element}{}", value.name, dims.unwrap_or_default())
}

fn mismatch<T>(expected: impl Into<String>, found: impl Into<String>) -> Result<T, Mismatch> {
    Err(Mismatch { expected: expected.into(), found: shortened(&found.into(), MAX_QUOTE) })
}
