//! kiln's kernels inside tract: operators of the loaded model that they can do become operations of
//! ours. Whatever does not match is left to tract.
//!
//! ```text
//! Conv 3x3, ReLU                      -> conv_relu        pictures as [height, width, channels],
//!                                        for 1 to 4 input channels, or conv_relu_tiled from 16 on
//! Conv 3x3, ReLU, MaxPool 2x2         -> conv_relu_pool   in as above, out as tract has it
//! EinSum by constants [, Add] [, ReLU] -> dense
//! Softmax                             -> softmax, row by row
//! ```
//!
//! The kernels want the channels of a pixel side by side, tract has each channel's picture whole.
//! Every rule puts the axis moves that it needs around its operation, and tract's own declutter
//! cancels two that meet: between two convolutions nothing is transposed.

mod conv;
mod dense;
mod graph;
mod layer;
mod operation;
mod rows;
mod softmax;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::model::Rewriter;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::source::TypedSource;

use operation::Operation;
pub(crate) use rows::each_picture_is_alone;

/// Replaces what the kernels can do in a decluttered model.
pub(crate) fn accelerate(model: &mut TypedModel) -> TractResult<()> {
    Rewriter::<()>::default()
        .with_rule_for("convolution", conv::rule)
        .with_rule_for("dense", dense::rule)
        .with_rule_for("softmax", softmax::rule)
        .rewrite(&(), model)?;
    model.declutter()
}

/// What runs by kiln's kernels and what by tract, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Operators {
    pub(crate) by_kernels: Vec<String>,
    pub(crate) by_tract: Vec<String>,
}

/// The operators of a model in the order in which they run.
pub(crate) fn operators(model: &TypedModel) -> TractResult<Operators> {
    let mut operators = Operators::default();
    for node in model.eval_order()?.into_iter().map(|id| model.node(id)) {
        if let Some(operation) = node.op_as::<Operation>() {
            operators.by_kernels.push(operation.layer().to_string());
        } else if !node.op_is::<Const>() && !node.op_is::<TypedSource>() {
            operators.by_tract.push(node.op.name().into_owned());
        }
    }
    Ok(operators)
}
