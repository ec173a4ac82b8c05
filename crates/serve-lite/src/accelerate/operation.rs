//! A layer of kiln's kernels as an operation in tract's graph.

use std::fmt;

use tract_onnx::tract_core::internal::*;

use super::graph::{dims_per_image, values};
use super::layer::Layer;

/// A [`Layer`] as a node of tract's graph, with one input and one output; the first axis of both is the batch.
#[derive(Clone)]
pub(super) struct Operation(Arc<Layer>);

impl Operation {
    pub(super) fn new(layer: Layer) -> Self {
        Self(Arc::new(layer))
    }

    pub(super) fn layer(&self) -> &Layer {
        &self.0
    }
}

/// Leaves out the weights, of which there can be millions.
impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Two operations are equal only if they are the same one. tract compares operations to merge duplicate nodes;
/// comparing millions of weights for that is not worth its time.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Operation {}

impl Op for Operation {
    fn name(&self) -> StaticName {
        "KilnKernel".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![self.0.to_string()])
    }

    op_as_typed_op!();
}

impl EvalOp for Operation {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let [x] = &inputs[..] else { bail!("{self:?} takes one input") };
        let n = x.shape().first().copied().unwrap_or(0);
        let x = values(x)?;
        ensure!(x.len() == n * self.0.input_size(), "{self:?} does not take {} values", x.len());
        let shape: TVec<usize> = std::iter::once(n).chain(self.0.output_shape()).collect();
        let mut y = Tensor::zero::<f32>(&shape)?;
        self.0.run(x, y.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?)?;
        Ok(tvec![y.into_tvalue()])
    }
}

impl TypedOp for Operation {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs else { bail!("{self:?} takes one input") };
        ensure!(x.datum_type == f32::datum_type(), "{self:?} takes float32");
        let volume = dims_per_image(x).map(|dims| dims.iter().product::<usize>());
        ensure!(volume == Some(self.0.input_size()), "{self:?} does not take {:?}", x.shape);
        let dims = self.0.output_shape().into_iter().map(|dim| dim.to_dim());
        let shape: TVec<TDim> = std::iter::once(x.shape[0].clone()).chain(dims).collect();
        Ok(tvec![f32::fact(shape)])
    }

    as_op!();
}
