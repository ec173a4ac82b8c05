//! ReLU.

use burn::module::Module;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::Operator;
use crate::shape::{Activations, Shape};

/// Sets negative numbers to 0.
#[derive(Module, Debug)]
pub(crate) struct Relu;

/// ReLU.
pub(crate) fn relu() -> NewLayer {
    NewLayer::new(|_, _| Layer::Relu(Relu))
}

impl Operation for Relu {
    fn kind(&self) -> &'static str {
        "relu"
    }

    fn label(&self) -> String {
        "ReLU".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        Some(input)
    }

    fn operator(&self) -> Option<Operator> {
        Some(Operator::new("Relu"))
    }

    fn forward(&self, x: Activations) -> Activations {
        use burn::tensor::activation::relu;
        match x {
            Activations::Maps(x) => Activations::Maps(relu(x)),
            Activations::Features(x) => Activations::Features(relu(x)),
        }
    }
}
