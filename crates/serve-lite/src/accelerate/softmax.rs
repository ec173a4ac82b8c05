//! Softmax, each row in the same order of sums.
//!
//! tract adds a row's exponentials in groups that end where memory is aligned: of two equal rows in
//! one batch the sums differ in the last bit. A row of ours is the same wherever it lies.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};

use super::graph::per_picture;
use super::layer::Layer;
use super::operation::Operation;

/// Softmax over the classes of each picture becomes ours.
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
    rule_if_some!(dims = per_picture(fact));
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
        // Less the largest, so that no exponential is infinite.
        let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - largest).exp();
            sum += *y;
        }
        y.iter_mut().for_each(|y| *y /= sum);
    }
}
