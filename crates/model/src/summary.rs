//! The table that says what the network is made of and what it costs.

use std::fmt;

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};

use crate::config::INPUT_SIDE;
use crate::network::Network;

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

/// The layers of `network` in order, counted from its weights' own shapes.
#[must_use]
pub fn summary(network: &Network) -> Summary {
    let mut layers = Layers::default();
    let (mut side, mut channels) = (INPUT_SIDE, 1);
    layers.push("Input, standardised", &[1, side, side], 0, 0);
    let mut conv = |layers: &mut Layers, conv: &Conv2d, pooled: bool| {
        let kernel = conv.weight.dims()[2];
        (channels, side) = (conv.weight.dims()[0], side - (kernel - 1));
        let multiply_adds = conv.weight.shape().num_elements() * side * side;
        layers.push("Conv 3x3, ReLU", &[channels, side, side], conv.num_params(), multiply_adds);
        if pooled {
            side /= 2;
            layers.push("MaxPool 2x2", &[channels, side, side], 0, 0);
        }
        [channels, side, side]
    };
    let norm = |layers: &mut Layers, norm: Option<&BatchNorm>, shape: [usize; 3]| {
        if let Some(norm) = norm {
            let trained = norm.gamma.dims()[0] + norm.beta.dims()[0];
            layers.push("BatchNorm", &shape, trained, 0);
        }
    };
    let (shape, dropout1, dense1, dropout2, dense2) = match network {
        Network::Article(cnn) => {
            conv(&mut layers, &cnn.conv1, false);
            let shape = conv(&mut layers, &cnn.conv2, true);
            (shape, &cnn.dropout1, &cnn.dense1, &cnn.dropout2, &cnn.dense2)
        }
        Network::Vgg(vgg) => {
            conv(&mut layers, &vgg.conv1, false);
            let shape = conv(&mut layers, &vgg.conv2, true);
            norm(&mut layers, vgg.norm1.as_ref(), shape);
            let shape = conv(&mut layers, &vgg.conv3, false);
            norm(&mut layers, vgg.norm2.as_ref(), shape);
            if let Some(middle) = &vgg.middle {
                let shape = conv(&mut layers, middle, false);
                norm(&mut layers, vgg.middle_norm.as_ref(), shape);
            }
            let shape = conv(&mut layers, &vgg.conv4, true);
            norm(&mut layers, vgg.norm3.as_ref(), shape);
            (shape, &vgg.dropout1, &vgg.dense1, &vgg.dropout2, &vgg.dense2)
        }
    };
    layers.push(&format!("Dropout {}", dropout1.prob), &shape, 0, 0);
    layers.push("Flatten", &[shape.iter().product()], 0, 0);
    layers.dense("Dense, ReLU", dense1);
    layers.push(&format!("Dropout {}", dropout2.prob), &[dense1.weight.dims()[1]], 0, 0);
    layers.dense("Dense, logits", dense2);
    Summary(layers.0)
}

#[derive(Default)]
struct Layers(Vec<LayerSummary>);

impl Layers {
    fn push(&mut self, layer: &str, shape: &[usize], parameters: usize, multiply_adds: usize) {
        let (layer, output_shape) = (layer.to_owned(), shape.to_vec());
        self.0.push(LayerSummary { layer, output_shape, parameters, multiply_adds });
    }

    fn dense(&mut self, layer: &str, dense: &Linear) {
        let [inputs, outputs] = dense.weight.dims();
        self.push(layer, &[outputs], dense.num_params(), inputs * outputs);
    }
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
