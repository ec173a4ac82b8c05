//! 2x2 average pooling with stride 2; an odd last row or column is left out.

use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use images::ImageShape;

use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Attribute, Operator};
use crate::shape::{Activations, Shape};

/// Rows and columns of a window, and the stride.
const SIDE: usize = 2;

/// 2x2 average pooling with stride 2.
pub(crate) fn average_pool() -> NewLayer {
    NewLayer::new(|_, _| {
        let pool = AvgPool2dConfig::new([SIDE, SIDE]).with_strides([SIDE, SIDE]);
        Layer::AveragePool(pool.init())
    })
}

impl Operation for AvgPool2d {
    fn kind(&self) -> &'static str {
        "averagepool"
    }

    fn label(&self) -> String {
        "AveragePool 2x2".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        let Shape::Maps(maps) = input else { return None };
        let (height, width) = (maps.height / SIDE, maps.width / SIDE);
        (height > 0 && width > 0).then_some(Shape::Maps(ImageShape { height, width, ..maps }))
    }

    fn operator(&self) -> Option<Operator> {
        let side = vec![SIDE as i64; 2];
        let attributes = vec![
            ("kernel_shape", Attribute::Ints(side.clone())),
            ("strides", Attribute::Ints(side)),
        ];
        Some(Operator { attributes, ..Operator::new("AveragePool") })
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Maps(self.forward(x.maps()))
    }
}
