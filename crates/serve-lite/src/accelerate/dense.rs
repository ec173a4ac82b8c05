//! Dense layers: a matrix product with constant weights, and what follows it.

use kernels::{Isa, all_finite};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::Add;

use super::graph::{bias, binary_after, constant, numbers, per_picture, relu_after};
use super::layer::Layer;
use super::operation::Operation;

/// A product becomes one operation, and takes a bias and ReLU along if they follow.
pub(super) fn rule(
    _: &(),
    model: &TypedModel,
    node: &TypedNode,
    name: &str,
    product: &EinSum,
) -> TractResult<Option<TypedModelPatch>> {
    rule_if_some!((x, weights) = operands(model, node, product)?);
    rule_if!(weights.len() > 0);
    let n_out = weights.shape()[weights.rank() - 1];
    let (mut last, mut added) = (node, vec![0.0; n_out]);
    if let Some((add, constant)) = binary_after::<Add>(model, node)?
        && let Some(bias) = bias(&constant, n_out)?
    {
        (last, added) = (add, bias);
    }
    let relu = relu_after(model, last)?;
    let isa = Isa::best();
    let finite = all_finite(isa, numbers(&weights)?);
    let layer = Layer::Dense { isa, weights, bias: added, finite, relu: relu.is_some() };
    let mut patch = TypedModelPatch::default();
    let wire = patch.tap_model(model, x)?;
    let wire = patch.wire_node(name, Operation::new(layer), &[wire])?[0];
    patch.shunt_outside(model, relu.unwrap_or(last).id.into(), wire)?;
    Ok(Some(patch))
}

/// What is multiplied, and the weights as `[inputs.., n_out]`, of a product `[batch, inputs..]` by
/// constants that gives `[batch, n_out]`.
///
/// tract has the inputs in several axes where it took in the reshape before the product, and the
/// weights' axes in any order.
fn operands(
    model: &TypedModel,
    node: &TypedNode,
    product: &EinSum,
) -> TractResult<Option<(OutletId, Arc<Tensor>)>> {
    rule_if!(product.q_params.is_none() && product.operating_dt == f32::datum_type());
    rule_if_let!(&[a, b] = &node.inputs[..]);
    let (x_slot, x, weights) = match (constant(model, a)?, constant(model, b)?) {
        (None, Some(weights)) => (0, a, weights),
        (Some(weights), None) => (1, b, weights),
        _ => return Ok(None),
    };
    let fact = model.outlet_fact(x)?;
    rule_if!(fact.datum_type == f32::datum_type());
    rule_if_some!(inputs = per_picture(fact));
    // The axis of the weights, and how long it has to be, that belongs to each of the inputs' axes.
    let (mut of_inputs, mut of_outputs) = (vec![None; inputs.len()], None);
    for axis in product.axes.iter_all_axes() {
        let (x, weights) = (&axis.inputs[x_slot][..], &axis.inputs[1 - x_slot][..]);
        match (x, weights, &axis.outputs[0][..]) {
            ([0], [], [0]) => {}
            // tract leaves an axis of one out of the weights.
            (&[x], [], []) if x > 0 && inputs[x - 1] == 1 => {}
            (&[x], &[weight], []) if x > 0 => of_inputs[x - 1] = Some((weight, inputs[x - 1])),
            ([], &[weight], [1]) => of_outputs = Some(weight),
            _ => return Ok(None),
        }
    }
    rule_if_some!(of_outputs = of_outputs);
    let (mut order, sides): (Vec<_>, Vec<_>) = of_inputs.into_iter().flatten().unzip();
    order.push(of_outputs);
    rule_if!(order.len() == weights.rank());
    let weights = if order.is_sorted() {
        weights
    } else {
        weights.into_tensor().permute_axes(&order)?.into_arc_tensor()
    };
    rule_if!(weights.shape()[..sides.len()] == sides[..]);
    Ok(Some((x, weights)))
}
