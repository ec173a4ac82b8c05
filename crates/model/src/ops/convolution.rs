//! Convolution with ReLU, and with ReLU and max-pooling.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use kernels::{ConvBackward, Filters, Isa, Order, Shape};

use super::differentiable::{apply, channels_last, floats, from_channels_last, register, tensor};

/// Convolution and ReLU. `conv` has 3x3 filters, stride 1, no padding, and a bias.
///
/// # Shapes
/// - `x`: `[batch, channels_in, height, width]`
/// - output: `[batch, channels_out, height - 2, width - 2]`
pub(crate) fn conv_relu(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    let (weight, bias) = parameters(conv);
    apply(ConvRelu, x, weight, bias, |[x, weight, bias], keep| {
        let (x, weight, bias) = (channels_last(x), weight.to_contiguous(), bias.to_contiguous());
        let (n, shape) = shape(&x, &weight);
        let mut y = kernels::parallel_zeros(n * shape.output());
        let (weights, biases) = (floats(&weight), floats(&bias));
        kernels::conv_relu(Isa::best(), shape, weights, biases, floats(&x), &mut y);
        let [rows, columns] = shape.output_sides();
        let y = from_channels_last(y, [n, rows, columns, shape.channels_out]);
        let state = keep.then(|| (x, weight, y.clone()));
        (y, state)
    })
}

/// Convolution, ReLU and 2x2 max-pooling with stride 2. `conv` is as in [`conv_relu`]; the order is that of the output in
/// memory.
///
/// # Shapes
/// - `x`: `[batch, channels_in, height, width]`
/// - output: `[batch, channels_out, (height - 2) / 2, (width - 2) / 2]`
pub(crate) fn conv_relu_pool(conv: &Conv2d, order: Order, x: Tensor<4>) -> Tensor<4> {
    let (weight, bias) = parameters(conv);
    apply(ConvReluPool { order }, x, weight, bias, |[x, weight, bias], keep| {
        let (x, weight, bias) = (channels_last(x), weight.to_contiguous(), bias.to_contiguous());
        let (n, shape) = shape(&x, &weight);
        let filters = Filters::new(Isa::best(), shape, floats(&weight), floats(&bias));
        let mut y = kernels::parallel_zeros(n * shape.pooled());
        let mut winners = vec![0; if keep { n * shape.pooled() } else { 0 }];
        kernels::conv_relu_pool(&filters, floats(&x), order, &mut y, keep.then_some(&mut winners));
        let [rows, columns] = shape.pooled_sides();
        let state = keep.then(|| (x, weight, winners.into()));
        let y = match order {
            Order::First => tensor(y, [n, shape.channels_out, rows, columns]),
            Order::Last => from_channels_last(y, [n, rows, columns, shape.channels_out]),
        };
        (y, state)
    })
}

/// The backward pass of [`conv_relu`].
#[derive(Debug)]
struct ConvRelu;

impl Backward<Flex, 3> for ConvRelu {
    /// Input and output with their channels last, and the weights.
    type State = (FlexTensor, FlexTensor, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (x, weight, y) = &ops.state;
        let dy = channels_last(gradients.consume::<Flex>(&ops.node));
        let y = channels_last(y.clone());
        let (n, shape) = shape(x, weight);
        let conv = ConvBackward { shape, weights: floats(weight), x: floats(x) };
        let mut dx = ops.parents[0].is_some().then(|| kernels::parallel_zeros(n * shape.input()));
        let (dw, db) = kernels::conv_relu_backward(
            Isa::best(),
            conv,
            floats(&y),
            floats(&dy),
            dx.as_deref_mut(),
        );
        register(gradients, &ops, tensors((n, shape), dx, dw, db));
    }
}

/// The backward pass of [`conv_relu_pool`].
#[derive(Debug)]
struct ConvReluPool {
    order: Order,
}

impl Backward<Flex, 3> for ConvReluPool {
    /// The input with its channels last, the weights, and the winners.
    type State = (FlexTensor, FlexTensor, Arc<[u8]>);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (x, weight, winners) = &ops.state;
        let dy = gradients.consume::<Flex>(&ops.node);
        let dy = match self.order {
            Order::First => dy.to_contiguous(),
            Order::Last => channels_last(dy),
        };
        let (n, shape) = shape(x, weight);
        let conv = ConvBackward { shape, weights: floats(weight), x: floats(x) };
        let mut dx = ops.parents[0].is_some().then(|| kernels::parallel_zeros(n * shape.input()));
        let (dw, db) = kernels::conv_relu_pool_backward(
            Isa::best(),
            conv,
            winners,
            self.order,
            floats(&dy),
            dx.as_deref_mut(),
        );
        register(gradients, &ops, tensors((n, shape), dx, dw, db));
    }
}

/// The gradients of a convolution of `n` images as tensors.
fn tensors(
    (n, shape): (usize, Shape),
    dx: Option<Vec<f32>>,
    dw: Vec<f32>,
    db: Vec<f32>,
) -> [Option<FlexTensor>; 3] {
    let Shape { channels_in, channels_out, height, width } = shape;
    [
        dx.map(|dx| from_channels_last(dx, [n, height, width, channels_in])),
        Some(tensor(dw, [channels_out, channels_in, 3, 3])),
        Some(tensor(db, [channels_out])),
    ]
}

fn parameters(conv: &Conv2d) -> (Tensor<4>, Tensor<1>) {
    let bias = conv.bias.as_ref().expect("every convolution of the network has a bias");
    (conv.weight.val(), bias.val())
}

/// The number of images of `x`, `[batch, rows, columns, channels]`, and the shape of their convolution.
fn shape(x: &FlexTensor, weight: &FlexTensor) -> (usize, Shape) {
    let (x, weight) = (x.layout().shape(), weight.layout().shape());
    let shape = Shape { channels_in: x[3], channels_out: weight[0], height: x[1], width: x[2] };
    (x[0], shape)
}
