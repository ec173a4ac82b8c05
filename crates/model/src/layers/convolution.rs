//! 3x3 convolution with a bias, stride 1; without padding, except in an inference network.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use images::ImageShape;

use super::{GLOROT, zeros};
use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Attribute, Operator, Weights};
use crate::shape::{Activations, Shape};

/// Rows and columns of a filter.
const SIDE: usize = 3;

/// A 3x3 convolution to so many channels, Glorot-uniform, its bias zero.
pub(crate) fn conv(channels: usize) -> NewLayer {
    NewLayer::new(move |input, device| {
        let conv = Conv2dConfig::new([input.channels(), channels], [SIDE, SIDE]);
        let conv = conv.with_initializer(GLOROT).init(device);
        Layer::Convolution(Conv2d { bias: Some(zeros(channels, device)), ..conv })
    })
}

/// Whether a border of zeros is a part of a convolution.
pub(crate) fn is_padded(conv: &Conv2d) -> bool {
    !matches!(conv.padding, PaddingConfig2d::Valid)
}

impl Operation for Conv2d {
    fn kind(&self) -> &'static str {
        "conv"
    }

    fn label(&self) -> String {
        "Conv 3x3".to_owned()
    }

    fn output(&self, input: Shape) -> Option<Shape> {
        let Shape::Maps(ImageShape { height, width, .. }) = input else { return None };
        let border = 2 * usize::from(is_padded(self));
        let side = |side: usize| (side + border).checked_sub(SIDE - 1).filter(|&side| side > 0);
        let channels = self.weight.lazy_shape()[0];
        Some(Shape::Maps(ImageShape { channels, height: side(height)?, width: side(width)? }))
    }

    fn parameters(&self) -> usize {
        let shape = self.weight.lazy_shape();
        shape.iter().fold(1, |n: usize, &side| n.saturating_mul(side)).saturating_add(shape[0])
    }

    fn multiply_adds(&self, output: Shape) -> usize {
        let inputs = self.weight.lazy_shape()[1];
        output.size().saturating_mul(inputs).saturating_mul(SIDE * SIDE)
    }

    fn operator(&self) -> Option<Operator> {
        let bias = self.bias.as_ref().map(|bias| Weights::new("bias", bias.val()));
        Some(Operator {
            op_type: "Conv",
            attributes: vec![
                ("strides", Attribute::Ints(vec![1, 1])),
                ("dilations", Attribute::Ints(vec![1, 1])),
                ("pads", Attribute::Ints(vec![i64::from(is_padded(self)); 4])),
                ("group", Attribute::Int(1)),
            ],
            weights: [Weights::new("weight", self.weight.val())].into_iter().chain(bias).collect(),
        })
    }

    fn forward(&self, x: Activations) -> Activations {
        Activations::Maps(self.forward(x.maps()))
    }
}
