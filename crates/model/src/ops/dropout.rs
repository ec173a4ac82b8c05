//! Dropout.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Device, Distribution, Int, Tensor};
use kernels::Isa;

use super::differentiable::{contiguous, register, tracked};

/// Sets each number of `x`, a tensor of an autodiff device, to 0 with probability `rate`, and scales the others by
/// `1 / (1 - rate)`.
pub(crate) fn dropout<const D: usize>(rate: f64, x: Tensor<D>) -> Tensor<D> {
    let key = key(&x.device());
    let (x, node) = tracked(x).into_parts();
    let y = drop(x, key, rate);
    let y = match (DropNumbers.prepare::<NoCheckpointing>([node]).compute_bound()).stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((key, rate), y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(y)
}

/// 64 random bits of the device's own stream, so that seeding the device also decides what is dropped.
fn key(device: &Device) -> u64 {
    // Four words of 16 bits, as integers may have 32 bits with a sign.
    let words = Distribution::Uniform(0.0, 65_536.0);
    let words = Tensor::<1, Int>::random([4], words, device).into_data();
    words.iter::<u64>().fold(0, |key, word| key << 16 | word)
}

/// In place where nothing else refers to the tensor.
fn drop(x: FlexTensor, key: u64, rate: f64) -> FlexTensor {
    let mut x = contiguous(x);
    kernels::dropout(Isa::best(), key, rate, x.storage_mut());
    x
}

/// The backward pass of [`dropout`], which drops the same numbers of the gradient.
#[derive(Debug)]
struct DropNumbers;

impl Backward<Flex, 1> for DropNumbers {
    /// The key of the random numbers, and the rate.
    type State = (u64, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (key, rate) = ops.state;
        let dy = gradients.consume::<Flex>(&ops.node);
        register(gradients, &ops, [Some(drop(dy, key, rate))]);
    }
}
