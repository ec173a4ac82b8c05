//! A border of zeros, one pixel wide, so that a 3x3 convolution keeps the sides.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::ops::PadMode;
use images::ImageShape;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::Operator;
use crate::shape::{Activations, Shape};

/// A border of zeros. An inference network has it as a part of the convolution after it.
#[derive(Module, Debug)]
pub(crate) struct Pad;

/// A border of zeros.
pub(crate) fn pad() -> NewLayer {
    NewLayer::new(|_, _| Layer::Pad(Pad))
}

impl Pad {
    /// This border and the convolution after it as one.
    pub(crate) fn merged(&self, conv: &Conv2d) -> Conv2d {
        Conv2d { padding: PaddingConfig2d::Explicit(1, 1, 1, 1), ..conv.clone() }
    }
}

impl Operation for Pad {
    fn kind(&self) -> &'static str {
        "pad"
    }

    fn label(&self) -> String {
        "Pad 1".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        let Shape::Maps(maps) = input else { return None };
        Some(Shape::Maps(ImageShape { height: maps.height + 2, width: maps.width + 2, ..maps }))
    }

    fn operator(&self) -> Option<Operator> {
        None
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Maps(x.maps().pad((1, 1, 1, 1), PadMode::Constant(0.0)))
    }
}
