//! The table that says what the network is made of and what it costs.

use std::fmt;

use crate::cnn::{Cnn, INPUT_SIDE};
use burn::module::Module;

/// One line of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// The layer, as the article names it.
    pub layer: String,
    /// Shape of one picture's output, batch left out.
    pub output_shape: Vec<usize>,
    /// Trainable numbers.
    pub parameters: usize,
    /// Multiplications with addition for one picture, forward.
    pub multiply_adds: usize,
}

/// The table of all layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary(pub Vec<LayerSummary>);

/// The layers of `cnn` in order, counted from its weights' own shapes.
#[must_use]
pub fn summary(cnn: &Cnn) -> Summary {
    let mut layers = Vec::new();
    let mut push = |layer: &str, output_shape: &[usize], parameters, multiply_adds| {
        let output_shape = output_shape.to_vec();
        layers.push(LayerSummary {
            layer: layer.to_owned(),
            output_shape,
            parameters,
            multiply_adds,
        });
    };
    let mut side = INPUT_SIDE;
    push("Input, standardised", &[1, side, side], 0, 0);
    for (name, conv) in [("Conv 3x3, ReLU", &cnn.conv1), ("Conv 3x3, ReLU", &cnn.conv2)] {
        let [channels, _, kernel, _] = conv.weight.dims();
        side -= kernel - 1;
        let weights = conv.weight.shape().num_elements();
        push(name, &[channels, side, side], conv.num_params(), weights * side * side);
    }
    let [channels, ..] = cnn.conv2.weight.dims();
    side /= cnn.pool.stride[0];
    push("MaxPool 2x2", &[channels, side, side], 0, 0);
    push(&format!("Dropout {}", cnn.dropout1.prob), &[channels, side, side], 0, 0);
    push("Flatten", &[channels * side * side], 0, 0);
    let dense1 = cnn.dense1.weight.dims();
    push("Dense, ReLU", &[dense1[1]], cnn.dense1.num_params(), dense1[0] * dense1[1]);
    push(&format!("Dropout {}", cnn.dropout2.prob), &[dense1[1]], 0, 0);
    let dense2 = cnn.dense2.weight.dims();
    push("Dense, logits", &[dense2[1]], cnn.dense2.num_params(), dense2[0] * dense2[1]);
    Summary(layers)
}

impl Summary {
    /// Trainable numbers of the whole network.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.0.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiplications with addition of the whole network for one picture, forward.
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
