//! Runs a model by tract; nothing else in this crate does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use images::ImageShape;
use tract_onnx::pb::ModelProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::InferenceModelExt;

use crate::accelerate::{Operators, accelerate, images_are_independent, operators};
use crate::contract::{BATCH, OUTPUTS};

/// The most values that an operator may give in a call: 16 MiB, a hundred times the widest layer of kiln's own network
/// (36,864) for one image, and three times that layer for [`MAX_IMAGES_PER_CALL`]. A damaged file could ask for more
/// memory than the machine has, and an allocation that fails ends the process.
const MAX_ACTIVATIONS: usize = 4 << 20;
/// The most images in a call where they are independent: the weights of a dense layer, 4.7 MB in kiln's network, are
/// read once for all of them, and a layer's output still fits a cache for the next layer.
const MAX_IMAGES_PER_CALL: usize = 32;

/// A model that is optimised for this CPU and ready to run.
///
/// A model with tract's own operators runs one image at a time. In batches of 8 to 64 an image of kiln's network took
/// 0.64 to 0.71 ms instead of 0.59 ms (AVX-512, one core), and its outputs depended on the batch: tract sums a
/// matrix-vector product and a matrix-matrix product in different orders. With kiln's kernels the outputs do not depend
/// on the batch, so several images share a call.
#[derive(Debug)]
pub(crate) struct Plan {
    plan: Arc<TypedSimplePlan>,
    shape: ImageShape,
    /// The most images in a call; at least 1.
    pub(crate) images_per_call: usize,
    pub(crate) operators: Operators,
}

/// Whether kiln's kernels run the operators that they implement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernels {
    Enabled,
    Disabled,
}

impl Plan {
    /// Optimises a model that meets the contract; the error is tract's, as text.
    pub(crate) fn new(
        model: &ModelProto,
        shape: ImageShape,
        n_classes: usize,
        kernels: Kernels,
    ) -> Result<Self, String> {
        // A model that does not run with kernels may still run without them, one image at a time.
        if kernels == Kernels::Enabled
            && let Ok(plan) = catch_panics(|| Self::with_kernels(model, shape, n_classes))
        {
            return Ok(plan);
        }
        catch_panics(|| {
            let mut model = tract_onnx::onnx().model_for_proto_model(model)?;
            let one = HashMap::from([(model.symbols.sym(BATCH), 1.to_dim())]);
            model.set_symbols(&one)?;
            let model = model.into_typed()?;
            check_shapes(&model, &1.to_dim(), n_classes)?;
            Self::optimised(model.into_decluttered()?, shape, 1)
        })
    }

    /// The batch stays a symbol while the rules look for operators that the kernels implement: a batch of 1 is an axis
    /// that tract removes.
    fn with_kernels(model: &ModelProto, shape: ImageShape, n_classes: usize) -> TractResult<Self> {
        let model = tract_onnx::onnx().model_for_proto_model(model)?;
        let batch = model.symbols.sym(BATCH);
        model.symbols.add_assertion(format!("{BATCH}>=1"))?;
        let mut model = model.into_typed()?;
        let largest = check_shapes(&model, &batch.to_dim(), n_classes)?;
        model.declutter()?;
        accelerate(&mut model)?;
        if images_are_independent(&model, &batch.to_dim()) {
            let images_per_call = (MAX_ACTIVATIONS / largest).clamp(1, MAX_IMAGES_PER_CALL);
            return Self::optimised(model, shape, images_per_call);
        }
        let model = model.set_symbols(&HashMap::from([(batch, 1.to_dim())]))?;
        Self::optimised(model.into_decluttered()?, shape, 1)
    }

    /// The plan of a decluttered model.
    fn optimised(
        mut model: TypedModel,
        shape: ImageShape,
        images_per_call: usize,
    ) -> TractResult<Self> {
        let operators = operators(&model)?;
        model.optimize()?;
        Ok(Self { plan: model.into_runnable()?, shape, images_per_call, operators })
    }

    /// Runs the images of one call, at most [`Self::images_per_call`]; a single one is computed on the calling thread.
    ///
    /// # Shapes
    /// - `pixels`: `[n, channels, height, width]`; `logits`, `probabilities`: `[n, classes]`
    pub(crate) fn run(
        &self,
        pixels: &[u8],
        logits: &mut [f32],
        probabilities: &mut [f32],
    ) -> Result<(), String> {
        catch_panics(|| {
            let [channels, height, width] = self.shape.dimensions();
            let n = pixels.len() / self.shape.size();
            let pixels = Tensor::from_shape(&[n, channels, height, width], pixels)?;
            let outputs = self.plan.run(tvec!(pixels.into_tvalue()))?;
            for (values, output) in [logits, probabilities].into_iter().zip(&outputs) {
                let output = output.try_as_plain_ram()?;
                let output = output.as_slice::<f32>()?;
                ensure!(output.len() == values.len(), "it gave {} values", output.len());
                values.copy_from_slice(output);
            }
            Ok(())
        })
    }
}

/// Checks the shapes that tract found before anything is allocated by them, and returns the most values that an
/// operator gives for one image.
fn check_shapes(model: &TypedModel, batch: &TDim, n_classes: usize) -> TractResult<usize> {
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

/// Turns an error or a panic of tract into a reason as text.
///
/// tract answers most damaged files with an error, but some of its code indexes, unwraps and divides by values from
/// the file. No half-changed state survives a panic: a plan under construction is dropped, and a finished one is never
/// written to. (This needs panics that unwind, the default.)
fn catch_panics<T>(f: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| format!("{error:#}")),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("tract panicked: {}", message.unwrap_or("without a message")))
        }
    }
}
