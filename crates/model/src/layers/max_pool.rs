//! 2x2 max-pooling with stride 2; an odd last row or column is left out.

use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use images::ImageShape;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Attribute, Operator};
use crate::shape::{Activations, Shape};

/// Rows and columns of a window, and the stride.
const SIDE: usize = 2;

/// 2x2 max-pooling with stride 2.
pub(crate) fn max_pool() -> NewLayer {
    NewLayer::new(|_, _| {
        let pool = MaxPool2dConfig::new([SIDE, SIDE]).with_strides([SIDE, SIDE]);
        Layer::MaxPool(pool.init())
    })
}

impl Operation for MaxPool2d {
    fn kind(&self) -> &'static str {
        "maxpool"
    }

    fn label(&self) -> String {
        "MaxPool 2x2".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        let Shape::Maps(maps) = input else { return None };
        let (height, width) = (maps.height / SIDE, maps.width / SIDE);
        (height > 0 && width > 0).then_some(Shape::Maps(ImageShape { height, width, ..maps }))
    }

    fn operator(&self) -> Option<Operator> {
        let side = SIDE as i64;
        let attributes = vec![
            ("kernel_shape", Attribute::Ints(vec![side, side])),
            ("strides", Attribute::Ints(vec![side, side])),
            ("dilations", Attribute::Ints(vec![1, 1])),
            ("pads", Attribute::Ints(vec![0; 4])),
            ("ceil_mode", Attribute::Int(0)),
        ];
        Some(Operator { attributes, ..Operator::new("MaxPool") })
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Maps(self.forward(x.maps()))
    }
}
