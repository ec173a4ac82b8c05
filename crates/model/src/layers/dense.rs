//! A dense layer.

use burn::nn::{Linear, LinearConfig};

use super::{GLOROT, zeros};
use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Operator, Weights};
use crate::shape::{Activations, Shape};

/// A dense layer of so many units, Glorot-uniform, its bias zero.
pub(crate) fn dense(units: usize) -> NewLayer {
    NewLayer::new(move |input, device| {
        let dense = LinearConfig::new(input.size(), units).with_initializer(GLOROT);
        Layer::Dense(Linear { bias: Some(zeros(units, device)), ..dense.init(device) })
    })
}

impl Operation for Linear {
    fn kind(&self) -> &'static str {
        "dense"
    }

    fn label(&self) -> String {
        "Dense".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        matches!(input, Shape::Features(_)).then(|| Shape::Features(self.weight.lazy_shape()[1]))
    }

    fn parameters(&self) -> usize {
        let shape = self.weight.lazy_shape();
        shape[0].saturating_add(1).saturating_mul(shape[1])
    }

    fn multiply_adds(&self, output: Shape) -> usize {
        self.weight.lazy_shape()[0].saturating_mul(output.size())
    }

    fn operator(&self) -> Option<Operator> {
        let bias = self.bias.as_ref().map(|bias| Weights::new("bias", bias.val()));
        let weight = Weights::new("weight", self.weight.val());
        Some(Operator {
            weights: [weight].into_iter().chain(bias).collect(),
            ..Operator::new("Gemm")
        })
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Features(self.forward(x.features()))
    }
}
