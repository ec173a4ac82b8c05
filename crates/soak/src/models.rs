//! Other model files, made from the run's: one that answers differently, and ones that a server must refuse.

use anyhow::{Context, ensure};
use prost::Message;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value::DimValue;
use tract_onnx::pb::type_proto::Value::TensorType;
use tract_onnx::pb::{ModelProto, TensorProto};

use crate::setup::Setup;

/// What is wrong with a file, and its bytes; `None` is a file that is missing.
pub(crate) type BadFile = (&'static str, Option<Vec<u8>>);

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
    Ok(vec![
        ("truncated", Some(whole[..whole.len() / 2].to_vec())),
        ("random bytes", Some(noise)),
        ("empty", Some(Vec::new())),
        ("another input shape", Some(other_shape)),
        ("a weight that is NaN", Some(not_a_number)),
        ("missing", None),
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
