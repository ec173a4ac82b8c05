//! Dropout, in training alone.

use burn::nn::{Dropout, DropoutConfig};

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::Operator;
use crate::shape::{Activations, Shape};

/// Dropout of this fraction of the numbers, in [0, 1), on an autodiff device; elsewhere it does nothing.
pub(crate) fn dropout(fraction: f64) -> NewLayer {
    NewLayer::new(move |_, _| Layer::Dropout(DropoutConfig::new(fraction).init()))
}

impl Operation for Dropout {
    fn kind(&self) -> &'static str {
        "dropout"
    }

    fn label(&self) -> String {
        format!("Dropout {}", self.prob)
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        Some(input)
    }

    fn operator(&self) -> Option<Operator> {
        None
    }

    fn forward(&self, x: Activations) -> Activations {
        match x {
            Activations::Maps(x) => Activations::Maps(self.forward(x)),
            Activations::Features(x) => Activations::Features(self.forward(x)),
        }
    }
}
