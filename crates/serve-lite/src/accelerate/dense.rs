//! Replaces dense layers: a matrix product with constant weights, and the bias and ReLU after it.

use kernels::{Isa, all_finite};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math::Add;

use super::graph::{bias, binary_after, constant, dims_per_image, relu_after, values};
use super::layer::Layer;
use super::operation::Operation;

/// A product becomes one operation, together with a bias and a ReLU directly after it.
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
    let finite = all_finite(isa, values(&weights)?);
    let layer = Layer::Dense { isa, weights, bias: added, finite, relu: relu.is_some() };
    let mut patch = TypedModelPatch::default();
    let wire = patch.tap_model(model, x)?;
    let wire = patch.wire_node(name, Operation::new(layer), &[wire])?[0];
    patch.shunt_outside(model, relu.unwrap_or(last).id.into(), wire)?;
    Ok(Some(patch))
}

/// The input of a product of `[batch, inputs..]` and constants that gives `[batch, n_out]`, and the constants as
/// `[inputs.., n_out]`.
///
/// The inputs have several axes where tract merged a reshape into the product, and the axes of the weights can be in
/// any order.
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
    rule_if_some!(inputs = dims_per_image(fact));
    // For each axis of the inputs: the axis of the weights that belongs to it, and its length.
    let (mut of_inputs, mut of_outputs) = (vec![None; inputs.len()], None);
    for axis in product.axes.iter_all_axes() {
        let (x, weights) = (&axis.inputs[x_slot][..], &axis.inputs[1 - x_slot][..]);
        match (x, weights, &axis.outputs[0][..]) {
            ([0], [], [0]) => {}
            // tract removes an axis of length 1 from the weights.
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
