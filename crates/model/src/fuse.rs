//! Which kernels compute which layers: a pass over the list that takes the longest run a kernel knows.

use burn::nn::Dropout;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;

use crate::layers::{Layer, is_padded};
use crate::ops::{batch_norm, conv_relu, conv_relu_pool, dense, pad};
use kernels::Order;

use crate::shape::Activations::{self, Features, Maps};

/// The output of `layers` for a batch in this process's memory. A layer without a kernel is computed by Burn.
pub(crate) fn forward(layers: &[Layer], mut x: Activations) -> Activations {
    let mut rest = layers;
    while !rest.is_empty() {
        let (n, y) = match (rest, x) {
            ([Layer::Pad(_), Layer::BatchNorm(norm), ..], Maps(x)) if x.is_autodiff() => {
                (2, Maps(batch_norm(norm, true, x)))
            }
            ([Layer::Pad(_), ..], Maps(x)) => (1, Maps(pad(x))),
            ([Layer::Convolution(conv), Layer::Relu(_), Layer::MaxPool(_), ..], Maps(x)) => {
                (3, Maps(conv_relu_pool(conv, order(&rest[3..]), padded(conv, x))))
            }
            ([Layer::Convolution(conv), Layer::Relu(_), ..], Maps(x)) => {
                (2, Maps(conv_relu(conv, padded(conv, x))))
            }
            ([Layer::Dense(layer), Layer::Relu(_), ..], Features(x)) => {
                (2, Features(dense(layer, true, x)))
            }
            ([Layer::Dense(layer), ..], Features(x)) => (1, Features(dense(layer, false, x))),
            ([Layer::BatchNorm(norm), ..], Maps(x)) if x.is_autodiff() => {
                (1, Maps(batch_norm(norm, false, x)))
            }
            ([Layer::Dropout(layer), ..], Maps(x)) => (1, Maps(dropout(layer, x))),
            ([Layer::Dropout(layer), ..], Features(x)) => (1, Features(dropout(layer, x))),
            ([layer, ..], x) => (1, layer.operation().forward(x)),
            ([], x) => return x,
        };
        (rest, x) = (&rest[n..], y);
    }
    x
}

/// The order of channels that suits the layers after a pooling: a map stays as convolutions read it until it is flattened.
/// Dropout's places count in the order of memory, which is that of the dense layer after it.
fn order(next: &[Layer]) -> Order {
    match next {
        [Layer::Dropout(_) | Layer::Flatten(_), ..] | [] => Order::First,
        _ => Order::Last,
    }
}

/// The input of a convolution with the border that is a part of it.
fn padded(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    if is_padded(conv) { pad(x) } else { x }
}

fn dropout<const D: usize>(layer: &Dropout, x: Tensor<D>) -> Tensor<D> {
    let drops = x.is_autodiff() && layer.prob > 0.0 && layer.prob < 1.0;
    if drops { crate::ops::dropout(layer.prob, x) } else { layer.forward(x) }
}
