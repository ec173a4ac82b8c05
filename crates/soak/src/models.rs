//! Other model files, made from the run's: one that answers differently, and ones that a server must refuse.

use anyhow::{Context, ensure};
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value::DimValue;
use tract_onnx::pb::type_proto::Value::TensorType;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto, TensorProto};

use crate::setup::Setup;

/// What is in the place of a model's file.
pub(crate) enum InPlace {
    Bytes(Vec<u8>),
    Nothing,
    /// A named pipe, whose reader waits for a writer.
    Pipe,
}

/// What is wrong with a file, and what is in its place.
pub(crate) type BadFile = (&'static str, InPlace);

/// Operators of a file that no server loads: each costs time that grows with their number.
const MANY: usize = 100_000;

/// The same model with 1 added to the logit of the first class.
pub(crate) fn shifted(setup: &Setup) -> anyhow::Result<Vec<u8>> {
    let classes = [setup.classifier.classes.len() as i64];
    changed(setup, |model| {
        let mut biases = weights(model)?.filter(|tensor| tensor.dims == classes);
        let bias = biases.next().context("the last layer has no bias")?;
        ensure!(biases.next().is_none(), "several tensors could be the last layer's bias");
        if let Some(first) = bias.float_data.first_mut() {
            *first += 1.0;
        } else {
            let first = bias.raw_data.first_chunk_mut().context("a bias without values")?;
            *first = (f32::from_le_bytes(*first) + 1.0).to_le_bytes();
        }
        Ok(())
    })
}

/// Files that no server may load.
pub(crate) fn bad(setup: &Setup) -> anyhow::Result<Vec<BadFile>> {
    let whole = std::fs::read(&setup.model)?;
    let mut random = fastrand::Rng::with_seed(7);
    let noise = (0..1 << 20).map(|_| random.u8(..)).collect();
    let not_a_number = changed(setup, |model| {
        let weight =
            weights(model)?.find(|tensor| tensor.raw_data.len() > 64).context("no weights")?;
        weight.raw_data[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
        Ok(())
    })?;
    let other_shape = changed(setup, |model| {
        let input =
            model.graph.as_mut().context("no graph")?.input.first_mut().context("no input")?;
        let Some(TensorType(tensor)) = input.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        else {
            anyhow::bail!("the input is not a tensor");
        };
        let shape = tensor.shape.as_mut().context("no shape")?;
        shape.dim.last_mut().context("no dimensions")?.value = Some(DimValue(27));
        Ok(())
    })?;
    let many_operators = changed(setup, |model| {
        let graph = model.graph.as_mut().context("no graph")?;
        let name = |i: usize| if i == 0 { "pixels".to_owned() } else { format!("copy{i}") };
        graph
            .node
            .iter_mut()
            .flat_map(|node| &mut node.input)
            .filter(|input| *input == "pixels")
            .for_each(|input| *input = name(MANY));
        let identity = |i| NodeProto {
            op_type: "Identity".to_owned(),
            input: vec![name(i)],
            output: vec![name(i + 1)],
            ..NodeProto::default()
        };
        graph.node.splice(0..0, (0..MANY).map(identity));
        Ok(())
    })?;
    let wrong_axis = changed(setup, |model| {
        let nodes = &mut model.graph.as_mut().context("no graph")?.node;
        let softmax =
            nodes.iter_mut().find(|node| node.op_type == "Softmax").context("no softmax")?;
        softmax.attribute.retain(|attribute| attribute.name != "axis");
        let (name, r#type) = ("axis".to_owned(), AttributeType::Int as i32);
        softmax.attribute.push(AttributeProto { name, r#type, i: 0, ..AttributeProto::default() });
        Ok(())
    })?;
    let long_name = changed(setup, |model| {
        let classes = model.metadata_props.iter_mut().find(|entry| entry.key == "kiln.classes");
        let classes = classes.context("no class names")?;
        classes.value = classes.value.replacen('"', &format!("\"{}", "x".repeat(5_000_000)), 1);
        Ok(())
    })?;
    Ok(vec![
        ("truncated", InPlace::Bytes(whole[..whole.len() / 2].to_vec())),
        ("random bytes", InPlace::Bytes(noise)),
        ("empty", InPlace::Bytes(Vec::new())),
        ("another input shape", InPlace::Bytes(other_shape)),
        ("a weight that is NaN", InPlace::Bytes(not_a_number)),
        ("100,000 operators", InPlace::Bytes(many_operators)),
        ("a softmax over the batch", InPlace::Bytes(wrong_axis)),
        ("a class name of five million characters", InPlace::Bytes(long_name)),
        ("missing", InPlace::Nothing),
        ("a named pipe", InPlace::Pipe),
    ])
}

/// The model's float32 tensors.
fn weights(model: &mut ModelProto) -> anyhow::Result<impl Iterator<Item = &mut TensorProto>> {
    let tensors = model.graph.as_mut().context("no graph")?.initializer.iter_mut();
    Ok(tensors.filter(|tensor| tensor.data_type == DataType::Float as i32))
}

fn changed(
    setup: &Setup,
    change: impl FnOnce(&mut ModelProto) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<u8>> {
    let mut model = ModelProto::decode(std::fs::read(&setup.model)?.as_slice())?;
    change(&mut model)?;
    Ok(model.encode_to_vec())
}
