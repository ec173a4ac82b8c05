//! The one module that runs tract.

use std::panic::{AssertUnwindSafe, catch_unwind};

use picture::SIDE;
use tract_onnx::pb::ModelProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceModelExt;

use crate::contract::OUTPUTS;

/// The most numbers an operator may give for one picture: a hundred times what kiln's own network
/// gives at its widest (36,864). A damaged file could ask for more than the machine has, and memory
/// that is not there ends the process.
const MAX_ACTIVATIONS: usize = 4 << 20;

/// A model in the form in which tract runs it: optimised for this CPU, and for one picture at a
/// time.
///
/// A single picture is not only the quickest way for one. Its unrolled form for the second
/// convolution, 0.66 MB, is never written out but multiplied as it is read, and what a layer gives
/// is still in the cache for the next. In batches of 8 to 64 a picture took 0.64 to 0.71 ms in
/// place of 0.59 ms with kiln's network (AVX-512, one core), and its outputs depended on its
/// company: tract multiplies a matrix by a vector and by a matrix in different orders.
#[derive(Debug)]
pub(crate) struct Plan(Arc<TypedSimplePlan>);

impl Plan {
    /// Optimises a model that keeps the contract; the error is tract's, in words.
    pub(crate) fn new(model: &ModelProto, n_classes: usize) -> Result<Self, String> {
        contained(|| {
            let model = tract_onnx::onnx().model_for_proto_model(model)?.into_typed()?;
            check_facts(&model, n_classes)?;
            Ok(Self(model.into_optimized()?.into_runnable()?))
        })
    }

    /// Runs one picture, on the calling thread.
    pub(crate) fn run(
        &self,
        pixels: &[u8],
        logits: &mut [f32],
        probabilities: &mut [f32],
    ) -> Result<(), String> {
        contained(|| {
            let pixels = Tensor::from_shape(&[1, 1, SIDE, SIDE], pixels)?;
            let outputs = self.0.run(tvec!(pixels.into_tvalue()))?;
            for (values, output) in [logits, probabilities].into_iter().zip(&outputs) {
                let output = output.try_as_plain_ram()?;
                let output = output.as_slice::<f32>()?;
                ensure!(output.len() == values.len(), "it gave {} numbers", output.len());
                values.copy_from_slice(output);
            }
            Ok(())
        })
    }
}

/// Checks the shapes that tract found, before it allocates anything by them.
fn check_facts(model: &TypedModel, n_classes: usize) -> TractResult<()> {
    for node in model.nodes() {
        for output in &node.outputs {
            let volume = output.fact.shape.as_concrete().and_then(|dims| {
                dims.iter().try_fold(1_usize, |volume, &dim| volume.checked_mul(dim))
            });
            let fits = volume.is_some_and(|volume| volume <= MAX_ACTIVATIONS);
            ensure!(fits, "'{}' gives a tensor of {:?}", node.name, output.fact.shape);
        }
    }
    for (name, &outlet) in OUTPUTS.iter().zip(model.output_outlets()?) {
        let fact = model.outlet_fact(outlet)?;
        let is_f32 = fact.datum_type == f32::datum_type();
        let is_row = fact.shape.as_concrete() == Some(&[1, n_classes][..]);
        ensure!(is_f32 && is_row, "{name} is {fact:?}");
    }
    Ok(())
}

/// Turns what tract returns or panics with into a reason in words.
///
/// tract answers most damaged files with an error, but some parts of it index, unwrap and divide by
/// what a file says. Nothing here outlives a panic half-done: a plan under construction is dropped,
/// and a finished one is never written to. (This needs panics that unwind, the default.)
fn contained<T>(f: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| format!("{error:#}")),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("tract panicked: {}", message.unwrap_or("without a message")))
        }
    }
}
