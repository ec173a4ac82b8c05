//! Feature maps to a vector.

use burn::module::Module;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Attribute, Operator};
use crate::shape::{Activations, Shape};

/// Joins all feature maps to a vector, one channel after the other.
#[derive(Module, Debug)]
pub(crate) struct Flatten;

/// Feature maps to a vector.
pub(crate) fn flatten() -> NewLayer {
    NewLayer::new(|_, _| Layer::Flatten(Flatten))
}

impl Operation for Flatten {
    fn kind(&self) -> &'static str {
        "flatten"
    }

    fn label(&self) -> String {
        "Flatten".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        Some(Shape::Features(input.size()))
    }

    fn operator(&self) -> Option<Operator> {
        Some(Operator { attributes: vec![("axis", Attribute::Int(1))], ..Operator::new("Flatten") })
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Features(x.features())
    }
}
