//! What the rules ask of tract's graph.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::math::Max;

/// The constant of float32 that an outlet gives; `None` if it gives something else.
pub(super) fn constant(model: &TypedModel, outlet: OutletId) -> TractResult<Option<Arc<Tensor>>> {
    let is_f32 = |tensor: &Arc<Tensor>| tensor.datum_type() == f32::datum_type();
    Ok(model.outlet_fact(outlet)?.konst.clone().filter(is_f32))
}

/// The numbers of a tensor of float32.
pub(super) fn numbers(tensor: &Tensor) -> TractResult<&[f32]> {
    tensor.try_as_plain_ram()?.as_slice::<f32>()
}

/// A bias of `n` numbers, of which the file may have a single one for all; `None` if it has others.
pub(super) fn bias(tensor: &Tensor, n: usize) -> TractResult<Option<Vec<f32>>> {
    Ok(match *numbers(tensor)? {
        [one] => Some(vec![one; n]),
        ref each if each.len() == n => Some(each.to_vec()),
        _ => None,
    })
}

/// The dimensions after the first, which is the batch; `None` if one of them is no plain number.
pub(super) fn per_picture(fact: &TypedFact) -> Option<TVec<usize>> {
    let (_, dims) = fact.shape.dims().split_first()?;
    dims.iter().map(|dim| dim.to_usize().ok()).collect()
}

/// The node that takes what `node` gives, if that is all that becomes of it: a value that another
/// node takes too, or that the model gives, has to be there, and is not fused away.
pub(super) fn sole_consumer<'a>(model: &'a TypedModel, node: &TypedNode) -> Option<&'a TypedNode> {
    let [output] = &node.outputs[..] else { return None };
    let [consumer] = output.successors[..] else { return None };
    let is_given = model.outputs.contains(&node.id.into());
    (!is_given).then(|| model.node(consumer.node))
}

/// The ReLU that follows `node` and nothing else does: `Max` with zeros.
pub(super) fn relu_after<'a>(
    model: &'a TypedModel,
    node: &TypedNode,
) -> TractResult<Option<&'a TypedNode>> {
    rule_if_some!((relu, zeros) = binary_after::<Max>(model, node)?);
    rule_if!(numbers(&zeros)?.iter().all(|&zero| zero == 0.0));
    Ok(Some(relu))
}

/// The operator `O` that follows `node` and nothing else does, with the constant that is its other
/// operand and does not widen the result.
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
