//! The table of a network's layers: shapes, parameters and multiplications.

use std::fmt;

use burn::tensor::Device;

use crate::config::NetworkConfig;
use crate::error::Result;
use crate::layer::{BuiltLayer, build};
use crate::layers::{self, Layer};
use crate::shape::Shape;

/// One line of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// The layer, with the ReLU after it: `Conv 3x3, ReLU`.
    pub layer: String,
    /// Shape of one image's output: `[channels, height, width]` or `[features]`.
    pub output_shape: Vec<usize>,
    /// Trainable numbers.
    pub parameters: usize,
    /// Multiplications with addition for one image, forward.
    pub multiply_adds: usize,
}

/// The table of all layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary(pub Vec<LayerSummary>);

/// The layers of the network that `config` describes, in order. No weight is drawn for it.
///
/// # Errors
/// [`Error::TooSmall`](crate::Error::TooSmall) for images of which the layers leave nothing.
pub fn summary(config: &NetworkConfig) -> Result<Summary> {
    let row = |layer: String, shape: Shape, parameters, multiply_adds| LayerSummary {
        layer,
        output_shape: shape.dimensions(),
        parameters,
        multiply_adds,
    };
    let mut rows = vec![row("Input, standardised".to_owned(), Shape::Maps(config.shape), 0, 0)];
    let list = layers::layers(config);
    // Layers are made without their weights, so the device does not matter.
    for BuiltLayer { layer, output, .. } in build(list, config.shape, &Device::default())? {
        let operation = layer.operation();
        match (&layer, rows.last_mut()) {
            (Layer::Pad(_), _) => {}
            (Layer::Relu(_), Some(before)) => before.layer += ", ReLU",
            _ => rows.push(row(
                operation.label(),
                output,
                operation.parameters(),
                operation.multiply_adds(output),
            )),
        }
    }
    if let Some(last) = rows.last_mut() {
        last.layer += ", logits";
    }
    Ok(Summary(rows))
}

impl Summary {
    /// Trainable numbers of the whole network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.0.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiplications with addition of the whole network for one image, forward.
    #[must_use]
    pub fn multiply_adds(&self) -> usize {
        self.0.iter().map(|layer| layer.multiply_adds).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>14} {:>12} {:>14}",
            "layer", "output", "parameters", "multiply-adds"
        )?;
        for layer in &self.0 {
            let shape =
                layer.output_shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
            let (parameters, multiply_adds) =
                (grouped(layer.parameters), grouped(layer.multiply_adds));
            writeln!(f, "{:<20} {shape:>14} {parameters:>12} {multiply_adds:>14}", layer.layer)?;
        }
        let (parameters, multiply_adds) =
            (grouped(self.parameters()), grouped(self.multiply_adds()));
        write!(f, "{:<20} {:>14} {parameters:>12} {multiply_adds:>14}", "total", "")
    }
}

/// `1199882` as `1,199,882`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
