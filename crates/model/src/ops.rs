//! kiln's kernels as operations that Burn can differentiate.
//!
//! They run on the CPU, which is Burn's `flex` device, differentiable or not.

mod batch_norm;
mod convolution;
mod dense;
mod differentiable;
mod dropout;
mod pad;

use burn::backend::DispatchDevice;
use burn::tensor::{Device, GradientCheckpointingStrategy};

pub(crate) use batch_norm::batch_norm;
pub(crate) use convolution::{conv_relu, conv_relu_pool};
pub(crate) use dense::dense;
pub use differentiable::flex_values;
pub(crate) use dropout::dropout;
pub(crate) use pad::pad;

/// Whether kernels can reach the numbers of a tensor of `device`: those of `flex` are in this process's memory.
///
/// With gradient checkpointing autodiff has another type, for which the kernels' operations are not made.
#[must_use]
#[allow(unreachable_patterns, reason = "which devices there are depends on Burn's features")]
pub fn kernels_run_on(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(device) => {
            device.gradient_checkpointing_strategy() == GradientCheckpointingStrategy::Disabled
                && matches!(device.clone().inner(), DispatchDevice::Flex(_))
        }
        _ => false,
    }
}
