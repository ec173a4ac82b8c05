//! What every layer has, and how a list of layers becomes a network's layers.

use std::collections::HashMap;

use burn::tensor::Device;
use images::ImageShape;

use crate::error::{Error, Result};
use crate::layers::Layer;
use crate::operator::Operator;
use crate::shape::{Activations, Shape};

/// What a layer computes and costs.
pub(crate) trait Operation {
    /// The kind, by which layers are numbered: `conv` for `conv1`, `conv2` and so on.
    fn kind(&self) -> &'static str;

    /// Its row in the summary, such as `MaxPool 2x2`.
    fn label(&self) -> String;

    /// The shape of its output; `None` where it cannot take such an input.
    fn output(&self, input: Shape) -> Option<Shape>;

    /// Trainable numbers.
    fn parameters(&self) -> usize {
        0
    }

    /// Multiplications with addition for one image, forward.
    fn multiply_adds(&self, _output: Shape) -> usize {
        0
    }

    /// The layer in inference, its weights on any device; `None` where it does nothing then.
    fn operator(&self) -> Option<Operator>;

    /// The output of a batch, by Burn's own operations.
    fn forward(&self, x: Activations) -> Activations;
}

/// Makes a layer from the shape of its input.
type Make = dyn FnOnce(Shape, &Device) -> Layer;

/// An entry of a list of layers. It becomes a [`Layer`] once the shape of its input is known.
pub(crate) struct NewLayer {
    name: Option<&'static str>,
    make: Box<Make>,
}

impl NewLayer {
    /// A layer that `make` makes from the shape of its input, without drawing its weights.
    pub(crate) fn new(make: impl FnOnce(Shape, &Device) -> Layer + 'static) -> Self {
        Self { name: None, make: Box::new(make) }
    }

    /// The same layer with the given name; it is not counted when layers of its kind are numbered.
    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name: Some(name), ..self }
    }
}

/// A layer of a network whose weights need not have been drawn yet.
pub(crate) struct BuiltLayer {
    /// `conv1`: the kind and its number within the kind, or the name it was given.
    pub(crate) name: String,
    pub(crate) layer: Layer,
    /// The shape of its output.
    pub(crate) output: Shape,
}

/// The layers of `list`, each made for the output of the one before, the first for the image. No weight is drawn.
pub(crate) fn build(
    list: Vec<NewLayer>,
    image: ImageShape,
    device: &Device,
) -> Result<Vec<BuiltLayer>> {
    let mut shape = Shape::Maps(image);
    let mut counts = HashMap::<&str, usize>::new();
    let mut built = Vec::new();
    for NewLayer { name, make } in list {
        let layer = make(shape, device);
        let name = name.map(str::to_owned).unwrap_or_else(|| {
            let kind = layer.operation().kind();
            let count = counts.entry(kind).or_default();
            *count += 1;
            format!("{kind}{count}")
        });
        let Some(output) = layer.operation().output(shape) else {
            return Err(Error::TooSmall { image, layer: name, input: shape });
        };
        shape = output;
        built.push(BuiltLayer { name, layer, output });
    }
    Ok(built)
}
