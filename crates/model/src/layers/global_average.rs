//! The mean of every channel (Lin, Chen and Yan 2014, section 3.2).

use burn::module::Module;
use images::ImageShape;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::Operator;
use crate::shape::{Activations, Shape};

/// The mean of every channel, as maps of one pixel.
#[derive(Module, Debug)]
pub(crate) struct GlobalAverage;

/// The mean of every channel.
pub(crate) fn global_average() -> NewLayer {
    NewLayer::new(|_, _| Layer::GlobalAverage(GlobalAverage))
}

impl Operation for GlobalAverage {
    fn kind(&self) -> &'static str {
        "average"
    }

    fn label(&self) -> String {
        "GlobalAveragePool".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        let Shape::Maps(ImageShape { channels, .. }) = input else { return None };
        Some(Shape::Maps(ImageShape { channels, height: 1, width: 1 }))
    }

    fn operator(&self) -> Option<Operator> {
        Some(Operator::new("GlobalAveragePool"))
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Maps(x.maps().mean_dim(2).mean_dim(3))
    }
}
