//! Other model files, made of the one that is served: one that answers differently, and ones that
//! must be refused.

use anyhow::{Context, ensure};
use onnx_ir::{Message, ModelProto};

use super::bench::Bench;

/// `TensorProto.DataType` of the ONNX specification.
const FLOAT: i32 = 1;

/// What is wrong with a file, and its bytes; none is a file that is missing.
pub(super) type BadFile = (&'static str, Option<Vec<u8>>);

/// The same model with 1 more on the logit of the first class.
pub(super) fn biased(bench: &Bench) -> anyhow::Result<Vec<u8>> {
    let n_classes = bench.classifier.classes.len() as i64;
    changed(bench, |model| {
        let weights = model.graph.as_mut().context("no graph")?.initializer.iter_mut();
        let mut biases =
            weights.filter(|tensor| tensor.data_type == FLOAT && tensor.dims == [n_classes]);
        let bias = biases.next().context("the last layer has no bias")?;
        ensure!(biases.next().is_none(), "several tensors could be the last layer's bias");
        if let Some(first) = bias.float_data.first_mut() {
            *first += 1.0;
        } else {
            let first = bias.raw_data.first_chunk().copied().map(f32::from_le_bytes);
            let more = first.context("a bias without numbers")? + 1.0;
            let mut raw = bias.raw_data.to_vec();
            raw[..4].copy_from_slice(&more.to_le_bytes());
            bias.raw_data = raw.into();
        }
        Ok(())
    })
}

/// Files that no server may take.
pub(super) fn bad(bench: &Bench) -> anyhow::Result<Vec<BadFile>> {
    let whole = std::fs::read(&bench.model)?;
    let mut random = super::random::Random::new(7);
    let noise = (0..1 << 20).map(|_| random.next() as u8).collect();
    let not_a_number = changed(bench, |model| {
        let mut weights = model.graph.as_mut().context("no graph")?.initializer.iter_mut();
        let weight = weights.find(|tensor| tensor.data_type == FLOAT && tensor.raw_data.len() > 64);
        let weight = weight.context("no weights")?;
        let mut raw = weight.raw_data.to_vec();
        raw[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
        weight.raw_data = raw.into();
        Ok(())
    })?;
    let other_shape = changed(bench, |model| {
        let input = model.graph.as_mut().context("no graph")?.input.first_mut();
        let kind = input.context("no input")?.type_.as_mut().context("no type")?;
        let shape = kind.mut_tensor_type().shape.as_mut().context("no shape")?;
        shape.dim.last_mut().context("no dimensions")?.set_dim_value(27);
        Ok(())
    })?;
    Ok(vec![
        ("cut off", Some(whole[..whole.len() / 2].to_vec())),
        ("random bytes", Some(noise)),
        ("empty", Some(Vec::new())),
        ("other shape", Some(other_shape)),
        ("weights that are not numbers", Some(not_a_number)),
        ("missing", None),
    ])
}

fn changed(
    bench: &Bench,
    change: impl FnOnce(&mut ModelProto) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<u8>> {
    let mut model = ModelProto::parse_from_bytes(&std::fs::read(&bench.model)?)?;
    change(&mut model)?;
    Ok(model.write_to_bytes()?)
}
