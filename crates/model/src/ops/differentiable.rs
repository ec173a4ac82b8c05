//! How a kernel becomes an operation that Burn can differentiate, and how it reads and writes a tensor's numbers.

use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Bytes, DType, Shape, Tensor};

/// From `[batch, channels, rows, columns]` to the order of the kernels.
const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];
/// The inverse.
const CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];

/// Runs `forward` on an input, weights and a bias and, if any of them is tracked, registers `backward` with the state
/// that `forward` returned for it.
///
/// The flag that `forward` gets says whether that state is needed: it is in training only.
pub(super) fn apply<B, const X: usize, const W: usize, const Y: usize>(
    backward: B,
    x: Tensor<X>,
    weight: Tensor<W>,
    bias: Tensor<1>,
    forward: impl FnOnce([FlexTensor; 3], bool) -> (FlexTensor, Option<B::State>),
) -> Tensor<Y>
where
    B: Backward<Flex, 3>,
{
    if !(x.is_autodiff() || weight.is_autodiff() || bias.is_autodiff()) {
        let (y, _) = forward([inner(x), inner(weight), inner(bias)], false);
        return Tensor::from_primitive::<Flex>(y);
    }
    let (x, x_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let (y, state) = forward([x, weight, bias], true);
    let nodes = [x_node, weight_node, bias_node];
    let y = match (backward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful(), state) {
        (OpsKind::Tracked(prepared), Some(state)) => prepared.finish(state, y),
        (OpsKind::Tracked(_), None) => unreachable!("forward returns a state where it is told to"),
        (OpsKind::UnTracked(prepared), _) => prepared.finish(y),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(y)
}

/// Registers the gradients of those inputs of an operation that are tracked.
pub(super) fn register<S, const N: usize>(
    gradients: &mut Gradients,
    ops: &Ops<S, N>,
    values: [Option<FlexTensor>; N],
) {
    for (parent, value) in ops.parents.iter().zip(values) {
        if let (Some(parent), Some(value)) = (parent, value) {
            gradients.register::<Flex>(parent.id, value);
        }
    }
}

/// A tensor of the autodiff device; constants stay untracked.
pub(super) fn tracked<const D: usize>(tensor: Tensor<D>) -> FloatTensor<Autodiff<Flex>> {
    let tensor = tensor.autodiff().try_into_primitive::<Autodiff<Flex>>();
    tensor.expect("callers checked that the device is flex")
}

pub(super) fn inner<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    tensor.try_into_primitive::<Flex>().expect("callers checked that the device is flex")
}

/// The numbers of a contiguous tensor.
pub(super) fn floats(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("the tensor was made contiguous, and all are f32")
}

/// A tensor of `shape` over `values`.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::new(shape));
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// The values of a tensor of the `flex` device, contiguous, so that a kernel can read and write them as one slice.
///
/// # Panics
/// If the tensor is on another device, or an autodiff tensor: ask [`kernels_run_on`](super::kernels_run_on) first.
pub fn flex_values<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    contiguous(inner(tensor))
}

/// The tensor with its numbers in order, and no others in its memory.
///
/// `to_contiguous` alone would leave two references to a memory that is in order already, and writing would copy it.
pub(super) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    let bytes = tensor.layout().num_elements() * size_of::<f32>();
    let is_whole = tensor.is_contiguous() && tensor.bytes().len() == bytes;
    if is_whole { tensor } else { tensor.to_contiguous() }
}

/// `[batch, channels, rows, columns]` as contiguous `[batch, rows, columns, channels]`; nothing is copied of a tensor
/// that [`from_channels_last`] made.
pub(super) fn channels_last(tensor: FlexTensor) -> FlexTensor {
    let layout = tensor.layout().permute(&CHANNELS_LAST);
    tensor.with_layout(layout).to_contiguous()
}

/// Values `[batch, rows, columns, channels]` as a tensor `[batch, channels, rows, columns]` over the same memory.
pub(super) fn from_channels_last(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::new(shape)).permute(&CHANNELS_FIRST);
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// The sides of a tensor whose channels are last: `[batch, rows, columns, channels]`.
pub(super) fn dims(x: &FlexTensor) -> [usize; 4] {
    let shape = x.layout().shape();
    [shape[0], shape[1], shape[2], shape[3]]
}
