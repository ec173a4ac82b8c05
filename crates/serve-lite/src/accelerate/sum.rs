//! Replaces the sums over rows and columns, of which global average pooling consists, by ones in a fixed order.
//!
//! tract's sums are in groups that can depend on memory alignment, so that a model with them could run one image a call
//! only.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

use super::graph::dims_per_image;
use super::layer::Layer;
use super::operation::Operation;

/// Replaces a sum over the last two axes of `[batch, channels, height, width]`.
pub(super) fn rule(
    _: &(),
    model: &TypedModel,
    node: &TypedNode,
    _name: &str,
    op: &Reduce,
) -> TractResult<Option<TypedModelPatch>> {
    rule_if!(matches!(op.reducer, Reducer::Sum) && op.axes[..] == [2, 3]);
    let fact = model.outlet_fact(node.inputs[0])?;
    rule_if!(fact.datum_type == f32::datum_type());
    rule_if_some!(dims = dims_per_image(fact));
    rule_if_let!([channels, height, width] = dims[..]);
    rule_if!(channels * height * width > 0);
    let operation = Operation::new(Layer::Sum { channels, plane: height * width });
    TypedModelPatch::replace_single_op(model, node, &node.inputs, operation).map(Some)
}
