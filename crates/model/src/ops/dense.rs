//! The dense layer, with or without ReLU.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::flex::FlexTensor;
use burn::nn::Linear;
use burn::tensor::Tensor;
use kernels::{DenseBackward, Isa};

use super::differentiable::{apply, floats, register, tensor};

/// A dense layer, and ReLU where `relu` says so.
///
/// # Shapes
/// - `x`: `[batch, features in]`, output: `[batch, features out]`
pub(crate) fn dense(layer: &Linear, relu: bool, x: Tensor<2>) -> Tensor<2> {
    let bias = layer.bias.as_ref().expect("every dense layer of the network has a bias");
    apply(Dense, x, layer.weight.val(), bias.val(), |[x, weight, bias], keep| {
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let isa = Isa::best();
        let (n, n_out) = (x.layout().shape()[0], weight.layout().shape()[1]);
        let finite = kernels::all_finite(isa, floats(&weight));
        let layer = kernels::Dense { weights: floats(&weight), bias: floats(&bias), finite };
        let mut y = vec![0.0; n * n_out];
        kernels::dense(isa, layer, relu, floats(&x), &mut y);
        let y = tensor(y, [n, n_out]);
        let state = keep.then(|| (x, weight, relu.then(|| y.clone())));
        (y, state)
    })
}

/// The backward pass of [`dense`].
#[derive(Debug)]
struct Dense;

impl Backward<Flex, 3> for Dense {
    /// The input, the weights and, with ReLU, the output.
    type State = (FlexTensor, FlexTensor, Option<FlexTensor>);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (x, weight, y) = &ops.state;
        let dy = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let masked = y.as_ref().map(|y| kernels::relu_backward(floats(y), floats(&dy)));
        let dy = masked.as_deref().unwrap_or(floats(&dy));
        let (n, n_in) = (x.layout().shape()[0], x.layout().shape()[1]);
        let n_out = weight.layout().shape()[1];
        let (mut dx, mut dw) =
            (kernels::parallel_zeros(n * n_in), kernels::parallel_zeros(n_in * n_out));
        let layer = DenseBackward { weights: floats(weight), x: floats(x), dy, n_out };
        let db = kernels::dense_backward(Isa::best(), layer, &mut dx, &mut dw);
        let [dx, dw] = [tensor(dx, [n, n_in]), tensor(dw, [n_in, n_out])];
        register(gradients, &ops, [dx, dw, tensor(db, [n_out])].map(Some));
    }
}
