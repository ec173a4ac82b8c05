//! 3x3 convolution with a bias, stride 1; without padding, except in an inference network.

use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use images::ImageShape;

use super::{GLOROT, zeros};
use crate::layer::{NewLayer, Operation};
use crate::layers::Layer;
use crate::operator::{Attribute, Operator, Weights};
use crate::shape::{Activations, Shape};

/// Rows and columns of a filter.
const SIDE: usize = 3;

/// Pixels a side of the patches that a whitening convolution looks at (Jordan 2024).
pub const PATCH_SIDE: usize = 2;

/// A 3x3 convolution to so many channels, Glorot-uniform, its bias zero.
pub(crate) fn conv(channels: usize) -> NewLayer {
    NewLayer::new(move |input, device| {
        Layer::Convolution(convolution(input.channels(), channels, device))
    })
}

/// A convolution that is to whiten patches of [`PATCH_SIDE`] pixels a side: a filter for every number of a patch, and its
/// negative. It is not trained, so that nothing need be computed backwards through it.
pub(crate) fn whitening() -> NewLayer {
    NewLayer::new(|input, device| {
        let channels = input.channels();
        let filters = 2 * channels * PATCH_SIDE * PATCH_SIDE;
        Layer::Convolution(convolution(channels, filters, device).no_grad())
    })
}

fn convolution(n_in: usize, n_out: usize, device: &Device) -> Conv2d {
    let conv = Conv2dConfig::new([n_in, n_out], [SIDE, SIDE]).with_initializer(GLOROT).init(device);
    Conv2d { bias: Some(zeros(n_out, device)), ..conv }
}

/// `conv` with `filters` of [`PATCH_SIDE`] pixels a side, `n * channels * PATCH_SIDE * PATCH_SIDE` numbers; what is left of
/// its own is zero.
pub(crate) fn with_filters(conv: &Conv2d, filters: &[f32]) -> Conv2d {
    let [n_out, n_in, ..] = conv.weight.dims();
    let rest = SIDE - PATCH_SIDE;
    let filters = Tensor::<1>::from_floats(filters, &conv.weight.device());
    let filters = filters.reshape([n_out, n_in, PATCH_SIDE, PATCH_SIDE]);
    let filters = filters.pad([(rest, 0), (rest, 0)], 0.0);
    Conv2d { weight: Param::initialized(conv.weight.id, filters), ..conv.clone() }
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
