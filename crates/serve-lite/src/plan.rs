//! The one module that runs tract.

use std::panic::{AssertUnwindSafe, catch_unwind};

use images::SIDE;
use tract_onnx::pb::ModelProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceModelExt;

use crate::accelerate::{Operators, accelerate, each_picture_is_alone, operators};
use crate::classifier::PIXELS;
use crate::contract::{BATCH, OUTPUTS};

/// The most numbers an operator may give in a call: 16 MiB, a hundred times what kiln's own network
/// gives at its widest (36,864) for one picture, and three times what it gives for
/// [`PICTURES_AT_ONCE`]. A damaged file could ask for more than the machine has, and memory that is
/// not there ends the process.
const MAX_ACTIVATIONS: usize = 4 << 20;
/// The most pictures of a call, where they leave one another alone: the weights of a dense layer,
/// 4.7 MB in kiln's network, are read once for all of them, and what a layer gives for them is
/// still in a cache for the next.
const PICTURES_AT_ONCE: usize = 32;

/// A model in the form in which it is run, optimised for this CPU.
///
/// tract's own operators run one picture at a time. That is the quickest way for one, and in
/// batches of 8 to 64 a picture took 0.64 to 0.71 ms in place of 0.59 ms with kiln's network
/// (AVX-512, one core), while its outputs depended on its company: tract multiplies a matrix by a
/// vector and by a matrix in different orders. With kiln's kernels they do not, and several
/// pictures go through the model at once.
#[derive(Debug)]
pub(crate) struct Plan {
    plan: Arc<TypedSimplePlan>,
    /// The most pictures of a call; at least 1.
    pub(crate) pictures_at_once: usize,
    pub(crate) operators: Operators,
}

/// Whether kiln's kernels run what they can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernels {
    Used,
    LeftOut,
}

impl Plan {
    /// Optimises a model that keeps the contract; the error is tract's, in words.
    pub(crate) fn new(
        model: &ModelProto,
        n_classes: usize,
        kernels: Kernels,
    ) -> Result<Self, String> {
        // Whatever cannot be run with kernels may still be run without them, for one picture.
        if kernels == Kernels::Used
            && let Ok(plan) = contained(|| Self::with_kernels(model, n_classes))
        {
            return Ok(plan);
        }
        contained(|| {
            let mut model = tract_onnx::onnx().model_for_proto_model(model)?;
            let one = HashMap::from([(model.symbols.sym(BATCH), 1.to_dim())]);
            model.set_symbols(&one)?;
            let model = model.into_typed()?;
            check(&model, &1.to_dim(), n_classes)?;
            Self::optimised(model.into_decluttered()?, 1)
        })
    }

    /// The kernels find what they can do while the batch is a symbol; one picture would be an axis
    /// for tract to leave out.
    fn with_kernels(model: &ModelProto, n_classes: usize) -> TractResult<Self> {
        let model = tract_onnx::onnx().model_for_proto_model(model)?;
        let batch = model.symbols.sym(BATCH);
        model.symbols.add_assertion(format!("{BATCH}>=1"))?;
        let mut model = model.into_typed()?;
        let largest = check(&model, &batch.to_dim(), n_classes)?;
        model.declutter()?;
        accelerate(&mut model)?;
        if each_picture_is_alone(&model, &batch.to_dim()) {
            let pictures_at_once = (MAX_ACTIVATIONS / largest).clamp(1, PICTURES_AT_ONCE);
            return Self::optimised(model, pictures_at_once);
        }
        let model = model.set_symbols(&HashMap::from([(batch, 1.to_dim())]))?;
        Self::optimised(model.into_decluttered()?, 1)
    }

    /// A plan of a decluttered model.
    fn optimised(mut model: TypedModel, pictures_at_once: usize) -> TractResult<Self> {
        let operators = operators(&model)?;
        model.optimize()?;
        Ok(Self { plan: model.into_runnable()?, pictures_at_once, operators })
    }

    /// Runs the pictures of one call, at most [`Self::pictures_at_once`]; a single one stays on the
    /// calling thread.
    ///
    /// # Shapes
    /// - `pixels`: `n * 784`, `logits`, `probabilities`: `n * classes`
    pub(crate) fn run(
        &self,
        pixels: &[u8],
        logits: &mut [f32],
        probabilities: &mut [f32],
    ) -> Result<(), String> {
        contained(|| {
            let n = pixels.len() / PIXELS;
            let pixels = Tensor::from_shape(&[n, 1, SIDE, SIDE], pixels)?;
            let outputs = self.plan.run(tvec!(pixels.into_tvalue()))?;
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

/// Checks what follows from the shapes that tract found, before anything is allocated by them, and
/// returns the most numbers that an operator gives for one picture.
fn check(model: &TypedModel, batch: &TDim, n_classes: usize) -> TractResult<usize> {
    let one = batch.symbols().iter().fold(SymbolValues::default(), |one, batch| one.with(batch, 1));
    let mut largest = 1;
    for node in model.nodes() {
        for output in &node.outputs {
            let volume = output.fact.shape.eval_to_usize(&one).ok().and_then(|dims| {
                dims.iter().try_fold(1_usize, |volume, &dim| volume.checked_mul(dim))
            });
            let volume = volume.filter(|&volume| volume <= MAX_ACTIVATIONS);
            let Some(volume) = volume else {
                bail!("'{}' gives a tensor of {:?}", node.name, output.fact.shape);
            };
            if output.fact.konst.is_none() {
                largest = largest.max(volume);
            }
        }
    }
    for (name, &outlet) in OUTPUTS.iter().zip(model.output_outlets()?) {
        let fact = model.outlet_fact(outlet)?;
        let is_f32 = fact.datum_type == f32::datum_type();
        let is_row = fact.shape.dims() == [batch.clone(), n_classes.to_dim()];
        ensure!(is_f32 && is_row, "{name} is {fact:?}");
    }
    Ok(largest)
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
