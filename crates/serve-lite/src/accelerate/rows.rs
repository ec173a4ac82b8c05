//! Whether the pictures of a batch leave one another alone.

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::source::TypedSource;

use super::operation::Operation;

/// Whether a picture's outputs are the same to the last bit in whatever company it comes: the batch
/// is the first axis of every value, and every operator treats each picture the same, alone or not.
///
/// The list is short by intent. tract multiplies a matrix by a vector and by a matrix in different
/// orders, and reduces a row in groups that depend on where it lies; what is not known to do
/// neither is run for one picture at a time.
pub(crate) fn each_picture_is_alone(model: &TypedModel, batch: &TDim) -> bool {
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
            || op.downcast_ref::<AxisOp>().is_some_and(leaves_batch);
        values && is_known
    })
}

/// Whether the first axis stays what it is.
fn leaves_batch(op: &AxisOp) -> bool {
    match *op {
        AxisOp::Add(axis) | AxisOp::Rm(axis) | AxisOp::Reshape(axis, ..) => axis > 0,
        AxisOp::Move(from, to) => from > 0 && to > 0,
    }
}
