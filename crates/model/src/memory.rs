//! How much memory training takes, estimated before any of it is allocated.

use burn::tensor::Device;

use crate::config::NetworkConfig;
use crate::error::Result;
use crate::layer::build;
use crate::layers::{self, Layer};
use crate::shape::Shape;

/// Bytes of a float32.
const FLOAT: u64 = 4;
/// Images whose convolution gradients `kernels` sums on one thread; the sums of all such groups are kept until added
/// up.
const GROUP: u64 = 8;
/// Copies of the whole state while a checkpoint is written: the tensors, their bytes, the container, and the file.
const CHECKPOINT_COPIES: u64 = 4;

/// Bytes that training takes at most, an estimate: weights, gradients, two numbers a weight that the optimiser remembers, and the moving average where
/// there is one; with them, whichever is largest, the activations of a batch of `batch_size` images, kept for the
/// backward pass; those of a batch of `evaluation_batch` images, of which two layers are kept; or the copies while a
/// checkpoint is written. Data set and program are not counted. Nothing overflows: what exceeds a `u64` is `u64::MAX`.
///
/// # Errors
/// [`Error::TooSmall`](crate::Error::TooSmall) for images of which the layers leave nothing.
pub fn memory(
    config: &NetworkConfig,
    batch_size: usize,
    evaluation_batch: usize,
    average: bool,
) -> Result<u64> {
    let list = layers::layers(config);
    // Layers are made without their weights, so the device does not matter.
    let layers = build(list, config.shape, &Device::default())?;
    let (batch_size, evaluation_batch) = (batch_size as u64, evaluation_batch as u64);
    let (mut weights, mut group_sums) = (0_u64, 0_u64);
    let mut activations = Shape::Maps(config.shape).size() as u64;
    let mut largest = activations;
    for layer in &layers {
        let parameters = layer.layer.operation().parameters() as u64;
        weights = weights.saturating_add(parameters);
        if matches!(layer.layer, Layer::Convolution(_)) {
            group_sums = group_sums.max(parameters.saturating_mul(batch_size.div_ceil(GROUP)));
        }
        let output = layer.output.size() as u64;
        activations = activations.saturating_add(output);
        largest = largest.max(output);
    }
    let state = weights.saturating_mul(3 + u64::from(average));
    // The gradients of two layers' outputs exist at the same time.
    let two_layers = largest.saturating_mul(2);
    let of_batch = activations.saturating_add(two_layers).saturating_mul(batch_size);
    let step = weights.saturating_add(of_batch).saturating_add(group_sums);
    let evaluation = two_layers.saturating_mul(evaluation_batch);
    let checkpoint = state.saturating_mul(CHECKPOINT_COPIES - 1);
    let peak = step.max(evaluation).max(checkpoint);
    Ok(state.saturating_add(peak).saturating_mul(FLOAT))
}
