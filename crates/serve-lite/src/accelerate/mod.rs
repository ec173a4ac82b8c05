//! Runs kiln's kernels inside tract: rewrite rules replace the operators that the kernels implement. tract runs every
//! operator that no rule matches.
//!
//! ```text
//! Conv 3x3, ReLU                       -> conv_relu        images as [height, width, channels], for 1 to 4 input
//!                                         channels, or conv_relu_tiled from 16 on
//! Conv 3x3, ReLU, MaxPool 2x2          -> conv_relu_pool   input as above, output in tract's layout
//! padding of 1 before a convolution    -> pad, then as above
//! Reduce<Sum> over rows and columns    -> sum, plane by plane
//! EinSum by constants [, Add] [, ReLU] -> dense
//! Softmax                              -> softmax, row by row
//! ```
//!
//! The kernels take images channels-last, tract has them channels-first. Every rule adds the transpositions that its
//! operation needs, and tract's declutter cancels adjacent ones: nothing is transposed between two convolutions.

mod conv;
mod dense;
mod graph;
mod independence;
mod layer;
mod operation;
mod softmax;
mod sum;

use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::model::Rewriter;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::source::TypedSource;

pub(crate) use independence::images_are_independent;
use operation::Operation;

/// Replaces the operators of a decluttered model that the kernels implement.
pub(crate) fn accelerate(model: &mut TypedModel) -> TractResult<()> {
    Rewriter::<()>::default()
        .with_rule_for("convolution", conv::rule)
        .with_rule_for("dense", dense::rule)
        .with_rule_for("softmax", softmax::rule)
        .with_rule_for("sum", sum::rule)
        .rewrite(&(), model)?;
    model.declutter()
}

/// Descriptions of the operators that kiln's kernels run, and of those that tract runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Operators {
    pub(crate) by_kernels: Vec<String>,
    pub(crate) by_tract: Vec<String>,
}

/// The operators of a model, in the order in which they run.
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
