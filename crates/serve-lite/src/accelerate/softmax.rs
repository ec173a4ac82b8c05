//! Replaces softmax by one that sums every row in the same order.
//!
//! tract sums a row's exponentials in groups that depend on memory alignment, so that the sums of two equal rows in one
//! batch can differ in the last bit. Here a row's result does not depend on its position.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};

use super::graph::dims_per_image;
use super::layer::Layer;
use super::operation::Operation;

/// Replaces the softmax over the classes of each image.
pub(super) fn rule(
    _: &(),
    model: &TypedModel,
    node: &TypedNode,
    _name: &str,
    op: &Softmax,
) -> TractResult<Option<TypedModelPatch>> {
    rule_if!(op.kind == SoftmaxKind::Softmax && op.quant_output_dt.is_none() && op.axes[..] == [1]);
    let fact = model.outlet_fact(node.inputs[0])?;
    rule_if!(fact.datum_type == f32::datum_type());
    rule_if_some!(dims = dims_per_image(fact));
    rule_if_let!([classes] = dims[..]);
    rule_if!(classes > 0);
    let operation = Operation::new(Layer::Softmax { classes });
    TypedModelPatch::replace_single_op(model, node, &node.inputs, operation).map(Some)
}

/// Probabilities of any number of rows.
///
/// # Shapes
/// - `x`, `y`: `[n, classes]`
pub(super) fn softmax(classes: usize, x: &[f32], y: &mut [f32]) {
    for (x, y) in x.chunks_exact(classes).zip(y.chunks_exact_mut(classes)) {
        // The largest logit is subtracted so that no exponential overflows.
        let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - largest).exp();
            sum += *y;
        }
        y.iter_mut().for_each(|y| *y /= sum);
    }
}
