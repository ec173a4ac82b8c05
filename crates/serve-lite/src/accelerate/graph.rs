//! Queries of tract's graph that the rules share.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::math::Max;

/// The float32 constant of an outlet; `None` if it is not one.
pub(super) fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Arc<Tensor>>> {
    let is_f32 = |tensor: &Arc<Tensor>| tensor.datum_type() == f32::datum_type();
    Ok(model.outlet_fact(outlet)?.konst.clone().filter(is_f32))
}

/// The values of a float32 tensor.
pub(super) fn values(tensor: &Tensor) -> TractResult<&[f32]> {
    tensor.try_as_plain_ram()?.as_slice::<f32>()
}

/// A bias of `n` values; a single value in the file applies to all of them. `None` for any other number.
pub(super) fn bias(tensor: &Tensor, n: usize) -> TractResult<Option<Vec<f32>>> {
    Ok(match *values(tensor)? {
        [one] => Some(vec![one; n]),
        ref each if each.len() == n => Some(each.to_vec()),
        _ => None,
    })
}

/// The dimensions after the first, which is the batch; `None` if one of them is not a number.
pub(super) fn dims_per_image(fact: &TypedFact) -> Option<TVec<usize>> {
    let (_, dims) = fact.shape.dims().split_first()?;
    dims.iter().map(|dim| dim.to_usize().ok()).collect()
}

/// The only consumer of `node`. `None` if its value has several consumers or is an output of the model: such a value
/// has to exist, so that it cannot be fused away.
pub(super) fn sole_consumer<'a>(model: &'a TypedModel, node: &TypedNode) -> Option<&'a TypedNode> {
    let [output] = &node.outputs[..] else { return None };
    let [consumer] = output.successors[..] else { return None };
    let is_given = model.outputs.contains(&node.id.into());
    (!is_given).then(|| model.node(consumer.node))
}

/// The ReLU, `Max` with zeros, that is the only consumer of `node`.
pub(super) fn relu_after<'a>(
    model: &'a TypedModel,
    node: &TypedNode,
) -> TractResult<Option<&'a TypedNode>> {
    rule_if_some!((relu, zeros) = binary_after::<Max>(model, node)?);
    rule_if!(values(&zeros)?.iter().all(|&zero| zero == 0.0));
    Ok(Some(relu))
}

/// The operator `O` that is the only consumer of `node`, and the constant that is its other operand. The constant must
/// not broadcast the result to a larger shape.
pub(super) fn binary_after<'a, O: BinMiniOp>(
    model: &'a TypedModel,
    node: &TypedNode,
) -> TractResult<Option<(&'a TypedNode, Arc<Tensor>)>> {
    rule_if_some!(next = sole_consumer(model, node));
    rule_if!(next.op_as::<TypedBinOp>().is_some_and(|op| op.0.is::<O>()));
    rule_if_let!(&[a, b] = &next.inputs[..]);
    let (before, after) = (&node.outputs[0].fact, &next.outputs[0].fact);
    rule_if!(before.shape == after.shape && after.datum_type == f32::datum_type());
    let other = if a.node == node.id { b } else { a };
    Ok(constant(model, other)?.map(|constant| (next, constant)))
}
