//! Whether an image's outputs are independent of the other images in its batch.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::source::TypedSource;

use super::operation::Operation;

/// Whether an image's outputs are the same to the last bit in any batch: the batch is the first axis of every value,
/// and every operator is known to compute each image in the same way, alone or in a batch.
///
/// The list of operators is short on purpose. tract sums a matrix-vector product and a matrix-matrix product in
/// different orders, and reduces a row in groups that depend on its position. A model with any other operator runs one
/// image at a time.
pub(crate) fn images_are_independent(model: &TypedModel, batch: &TDim) -> bool {
    model.nodes().iter().all(|node| {
        let op = node.op();
        let values = node.outputs.iter().all(|output| {
            let (is_constant, dims) = (output.fact.konst.is_some(), output.fact.shape.dims());
            let is_batch = dims.first() == Some(batch);
            is_constant || is_batch && dims[1..].iter().all(|dim| dim.to_usize().is_ok())
        });
        let is_known = op.is::<Operation>()
            || op.is::<TypedSource>()
            || op.is::<Const>()
            || op.is::<Cast>()
            || op.is::<TypedBinOp>()
            || op.downcast_ref::<AxisOp>().is_some_and(keeps_batch_axis);
        values && is_known
    })
}

/// Whether the first axis stays the batch.
fn keeps_batch_axis(op: &AxisOp) -> bool {
    match *op {
        AxisOp::Add(axis) | AxisOp::Rm(axis) | AxisOp::Reshape(axis, ..) => axis > 0,
        AxisOp::Move(from, to) => from > 0 && to > 0,
    }
}
