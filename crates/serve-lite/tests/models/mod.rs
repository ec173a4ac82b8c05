//! Small ONNX models for the tests, built message by message as an exporter would.
#![allow(dead_code)] // Each test program uses a part.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::*;

/// Bytes of a picture.
pub(crate) const PIXELS: usize = 28 * 28;
/// The left and the right half of a picture's ink each weigh on a class of their own; a pixel of
/// 255 adds a tenth to its logit. The third class has the logit 1.
pub(crate) const SIDES: [&str; 3] = ["left", "right", "blank"];

/// `Cast, Flatten, Gemm, Softmax`: [`SIDES`], with logits that are easily worked out by hand.
pub(crate) fn sides() -> ModelProto {
    sides_of([1, 28, 28])
}

/// [`sides`] for images of another shape, `[channels, height, width]`.
pub(crate) fn sides_of(shape: [usize; 3]) -> ModelProto {
    let size: usize = shape.iter().product();
    let weight = |i: usize| {
        let is_left = i % shape[2] < shape[2] / 2;
        [f32::from(u8::from(is_left)), f32::from(u8::from(!is_left)), 0.0].map(|w| w / 2550.0)
    };
    let graph = GraphProto {
        name: "sides".into(),
        node: vec![
            node("Cast", &["pixels"], "levels", vec![int("to", DataType::Float as i64)]),
            node("Flatten", &["levels"], "flat", vec![]),
            node("Gemm", &["flat", "weight", "bias"], "logits", vec![]),
            node("Softmax", &["logits"], "probabilities", vec![int("axis", -1)]),
        ],
        initializer: vec![
            floats("weight", &[size as i64, 3], (0..size).flat_map(weight)),
            floats("bias", &[3], [0.0, 0.0, 1.0]),
        ],
        ..interface(shape, 3)
    };
    model(graph, &SIDES)
}

/// The operators of kiln's own network with few channels: some kilobytes, mostly structure.
pub(crate) fn small_cnn() -> ModelProto {
    cnn(2, 3, 4, &SIDES)
}

/// kiln's own network in its full size, with noise for weights.
pub(crate) fn full_cnn() -> ModelProto {
    cnn(32, 64, 128, &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
}

/// kiln's own network with any numbers of channels and features.
pub(crate) fn cnn(channels1: i64, channels2: i64, features: i64, classes: &[&str]) -> ModelProto {
    let n = classes.len() as i64;
    let kernel = || ints("kernel_shape", &[3, 3]);
    let two = |name| ints(name, &[2, 2]);
    let graph = GraphProto {
        name: "cnn".into(),
        node: vec![
            node("Cast", &["pixels"], "levels", vec![int("to", DataType::Float as i64)]),
            node("Sub", &["levels", "mean"], "centred", vec![]),
            node("Div", &["centred", "std"], "standardised", vec![]),
            node("Conv", &["standardised", "w1", "b1"], "conv1", vec![kernel()]),
            node("Relu", &["conv1"], "relu1", vec![]),
            node("Conv", &["relu1", "w2", "b2"], "conv2", vec![kernel()]),
            node("Relu", &["conv2"], "relu2", vec![]),
            node("MaxPool", &["relu2"], "pool", vec![two("kernel_shape"), two("strides")]),
            node("Reshape", &["pool", "shape"], "flat", vec![]),
            node("MatMul", &["flat", "w3"], "product", vec![]),
            node("Add", &["product", "b3"], "dense1", vec![]),
            node("Relu", &["dense1"], "relu3", vec![]),
            node("Gemm", &["relu3", "w4", "b4"], "logits", vec![]),
            node("Softmax", &["logits"], "probabilities", vec![int("axis", -1)]),
        ],
        initializer: vec![
            floats("mean", &[1], [33.3]),
            floats("std", &[1], [78.6]),
            noise("w1", &[channels1, 1, 3, 3]),
            noise("b1", &[channels1]),
            noise("w2", &[channels2, channels1, 3, 3]),
            noise("b2", &[channels2]),
            TensorProto {
                name: "shape".into(),
                dims: vec![2],
                data_type: DataType::Int64 as i32,
                raw_data: [0_i64, -1].iter().flat_map(|d| d.to_le_bytes()).collect(),
                ..TensorProto::default()
            },
            noise("w3", &[channels2 * 144, features]),
            noise("b3", &[features]),
            noise("w4", &[features, n]),
            noise("b4", &[n]),
        ],
        ..interface([1, 28, 28], n)
    };
    model(graph, classes)
}

/// A graph with kiln's input and outputs, and nothing between them.
fn interface(shape: [usize; 3], n_classes: i64) -> GraphProto {
    let [channels, height, width] = shape.map(|dim| Some(dim as i64));
    GraphProto {
        input: vec![value("pixels", DataType::Uint8, &[None, channels, height, width])],
        output: vec![
            value("logits", DataType::Float, &[None, Some(n_classes)]),
            value("probabilities", DataType::Float, &[None, Some(n_classes)]),
        ],
        ..GraphProto::default()
    }
}

fn model(graph: GraphProto, classes: &[&str]) -> ModelProto {
    let mut model = ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 18 }],
        graph: Some(graph),
        ..ModelProto::default()
    };
    set_property(&mut model, "kiln.classes", &format!("{classes:?}"));
    set_property(&mut model, "kiln.dataset", "mnist");
    set_property(&mut model, "kiln.synthetic", "false");
    model
}

/// The model as a file has it.
pub(crate) fn bytes(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// Sets a metadata entry, in place of an earlier one.
pub(crate) fn set_property(model: &mut ModelProto, key: &str, value: &str) {
    model.metadata_props.retain(|entry| entry.key != key);
    let entry = StringStringEntryProto { key: key.into(), value: value.into() };
    model.metadata_props.push(entry);
}

/// An input or output; a dimension of `None` is the batch.
pub(crate) fn value(name: &str, element: DataType, dims: &[Option<i64>]) -> ValueInfoProto {
    let dim = |dim: &Option<i64>| match dim {
        Some(size) => dimension::Value::DimValue(*size),
        None => dimension::Value::DimParam("batch".into()),
    };
    let dim =
        dims.iter().map(|d| Dimension { value: Some(dim(d)), ..Dimension::default() }).collect();
    let tensor = Tensor { elem_type: element as i32, shape: Some(TensorShapeProto { dim }) };
    let r#type = TypeProto { value: Some(Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(r#type), ..ValueInfoProto::default() }
}

pub(crate) fn node(
    op: &str,
    inputs: &[&str],
    output: &str,
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        name: format!("{op}_{output}"),
        op_type: op.into(),
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        attribute,
        ..NodeProto::default()
    }
}

pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
    let r#type = AttributeType::Int as i32;
    AttributeProto { name: name.into(), r#type, i, ..AttributeProto::default() }
}

pub(crate) fn float(name: &str, f: f32) -> AttributeProto {
    let r#type = AttributeType::Float as i32;
    AttributeProto { name: name.into(), r#type, f, ..AttributeProto::default() }
}

pub(crate) fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    let r#type = AttributeType::Ints as i32;
    AttributeProto { name: name.into(), r#type, ints: ints.to_vec(), ..AttributeProto::default() }
}

pub(crate) fn floats(
    name: &str,
    dims: &[i64],
    values: impl IntoIterator<Item = f32>,
) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: values.into_iter().flat_map(f32::to_le_bytes).collect(),
        ..TensorProto::default()
    }
}

/// Weights without pattern, as large as Glorot's: within the root of 6 by inputs and outputs.
pub(crate) fn noise(name: &str, dims: &[i64]) -> TensorProto {
    let size: i64 = dims.iter().product();
    let fan = size / dims[0] + dims[0];
    let bound = (6.0 / fan as f32).sqrt();
    let values = random_bytes(name.len() as u64 + 7, 2 * size as usize);
    let values = values
        .chunks_exact(2)
        .map(|b| (f32::from(u16::from_le_bytes([b[0], b[1]])) / 32768.0 - 1.0) * bound);
    floats(name, dims, values)
}

/// Bytes without pattern, the same for the same seed (Knuth's MMIX generator, its upper bits).
pub(crate) fn random_bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A picture with `n_left` and `n_right` full pixels in its halves.
pub(crate) fn halves(n_left: usize, n_right: usize) -> Vec<u8> {
    let mut picture = vec![0; PIXELS];
    for (n, offset) in [(n_left, 0), (n_right, 14)] {
        for i in 0..n {
            picture[i / 14 * 28 + i % 14 + offset] = 255;
        }
    }
    picture
}
