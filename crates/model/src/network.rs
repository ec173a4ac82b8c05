//! A network: what standardises an image, and a list of layers.

use burn::module::{Module, ParamId, list_param_ids};
use burn::nn::conv::Conv2d;
use burn::tensor::{DType, Device, Tensor};
use images::ImageShape;

use crate::config::{MAX_CHANNELS, NetworkConfig};
use crate::error::{Error, Result};
use crate::fuse;
use crate::layer::{BuiltLayer, build};
use crate::layers::{self, Layer, fold, with_filters};
use crate::operator::Operator;
use crate::ops::kernels_run_on;
use crate::shape::Activations;

/// A network from raw grey levels to logits. It standardises images itself, so that no caller can forget to.
#[derive(Module, Debug)]
pub struct Network {
    /// Shape of every image.
    #[module(skip)]
    shape: ImageShape,
    /// Length of the logits.
    n_classes: usize,
    /// Mean level of each channel, subtracted first, in [0, 255].
    #[module(skip)]
    mean: [f64; MAX_CHANNELS],
    /// Divisor of each channel's centred levels, above 0.
    #[module(skip)]
    scale: [f64; MAX_CHANNELS],
    /// Whether Burn's own operations compute even where kiln's kernels could.
    burn_ops: bool,
    /// One name a layer, such as `conv1`: the kind and a number, or the name it was given.
    #[module(skip)]
    names: Vec<String>,
    layers: Vec<Layer>,
}

impl Network {
    /// The network that `config` describes. Its weights are Glorot-uniform and depend on `seed` alone; biases are zero.
    ///
    /// Burn's random numbers are one stream for the whole process, so no other thread may draw from it during this
    /// call.
    ///
    /// # Errors
    /// [`Error::TooSmall`](crate::Error::TooSmall) for images of which the layers leave nothing.
    pub fn new(config: &NetworkConfig, seed: u64, device: &Device) -> Result<Self> {
        let list = layers::layers(config);
        let built = build(list, config.shape, device)?.into_iter();
        let (names, layers) = built.map(|BuiltLayer { name, layer, .. }| (name, layer)).unzip();
        let network = Self {
            shape: config.shape,
            n_classes: config.n_classes,
            mean: config.mean,
            scale: config.scale(),
            burn_ops: config.burn_ops,
            names,
            layers,
        };
        device.seed(seed);
        // Parameters draw their values at first use, and clones share what was drawn. A record uses all of them, here
        // and in the order of the layers, which ties them to the seed and to nothing else.
        let _drawn = network.clone().into_record();
        Ok(network)
    }

    /// Levels to logits; softmax over the last dimension turns logits into probabilities.
    ///
    /// kiln's kernels compute on the CPU (Burn's `flex` device), Burn's own operations elsewhere. Dropout and batch
    /// statistics act on an autodiff device only, so `network.valid().forward(..)` is inference.
    ///
    /// # Shapes
    /// - `pixels`: `[batch, channels, height, width]` of [`shape`](Self::shape), levels in [0, 255]
    /// - output: `[batch, n_classes]`
    #[must_use]
    pub fn forward(&self, pixels: Tensor<4>) -> Tensor<2> {
        let kernels = !self.burn_ops && pixels.dtype() == DType::F32;
        let kernels = kernels && kernels_run_on(&pixels.device());
        let x = Activations::Maps(self.standardised(pixels));
        let logits = if kernels {
            fuse::forward(&self.layers, x)
        } else {
            self.layers.iter().fold(x, |x, layer| layer.operation().forward(x))
        };
        logits.features()
    }

    fn standardised(&self, pixels: Tensor<4>) -> Tensor<4> {
        if self.shape.channels == 1 {
            return (pixels - self.mean[0]) / self.scale[0];
        }
        let by_channel = |values: [f64; MAX_CHANNELS]| {
            let values = values.map(|value| value as f32);
            Tensor::<1>::from_floats(values, &pixels.device()).reshape([1, MAX_CHANNELS, 1, 1])
        };
        let (mean, scale) = (by_channel(self.mean), by_channel(self.scale));
        (pixels - mean) / scale
    }

    /// The same function without batch normalisation, which is folded into the layers after it, and with padding as a part
    /// of the convolution after it; for inference only.
    ///
    /// Normalisation with no convolution or dense layer right after it, dropout, averaging and flattening aside, stays.
    #[must_use]
    pub fn folded(mut self) -> Self {
        let mut index = 0;
        while let Some(layer) = self.layers.get(index) {
            let after = self.layers[index + 1..].iter();
            // Averaging a channel's affine function gives the function of the average.
            let skipped = after.take_while(|layer| {
                matches!(layer, Layer::Dropout(_) | Layer::GlobalAverage(_) | Layer::Flatten(_))
            });
            let next = index + 1 + skipped.count();
            let folded = match (layer, self.layers.get(next)) {
                (Layer::BatchNorm(norm), Some(next)) => fold(norm, next),
                _ => None,
            };
            if let Some(folded) = folded {
                self.layers[next] = folded;
                self.remove(index);
                // A normalisation stood between the padding before it and this layer.
                index = index.saturating_sub(1);
            } else if let [Layer::Pad(pad), Layer::Convolution(conv), ..] = &self.layers[index..] {
                self.layers[index + 1] = Layer::Convolution(pad.merged(conv));
                self.remove(index);
            } else {
                index += 1;
            }
        }
        self
    }

    fn remove(&mut self, index: usize) {
        self.layers.remove(index);
        self.names.remove(index);
    }

    /// The layers of an inference network as ONNX operators, in order and by name (`conv1`, `relu1`, `conv2`); those
    /// that do nothing in inference are left out.
    #[must_use]
    pub fn operators(&self) -> Vec<(String, Operator)> {
        let layers = self.names.iter().zip(&self.layers);
        layers
            .filter_map(|(name, layer)| Some((name.clone(), layer.operation().operator()?)))
            .collect()
    }

    /// What is subtracted from the levels of each channel first, and what they are divided by then.
    #[must_use]
    pub fn standardisation(&self) -> (&[f64], &[f64]) {
        let channels = self.shape.channels;
        (&self.mean[..channels], &self.scale[..channels])
    }

    /// This network with the weights of `trained`, an inference network of the same layers; the last layer keeps its own
    /// unless `head`. How much is dropped may differ.
    ///
    /// # Errors
    /// [`Error::OtherLayers`] with the first layer that differs.
    pub fn with_weights_of(mut self, trained: Self, head: bool) -> Result<Self> {
        let trained = trained.train();
        let n_kept = self.layers.len() - usize::from(!head);
        let same_number = self.layers.len() == trained.layers.len();
        let layers = self.layers.iter_mut().zip(trained.layers).zip(&self.names).take(n_kept);
        for ((ours, theirs), name) in layers {
            if matches!((&*ours, &theirs), (Layer::Dropout(_), Layer::Dropout(_))) {
                continue;
            }
            let [own, other] = [&*ours, &theirs].map(|layer| {
                let layer = layer.operation();
                (layer.label(), layer.parameters())
            });
            if own != other || !same_number {
                return Err(Error::OtherLayers { layer: name.clone() });
            }
            *ours = theirs;
        }
        Ok(self)
    }

    /// The parameters of the last layer.
    #[must_use]
    pub fn head(&self) -> Vec<ParamId> {
        self.layers.last().map(list_param_ids).unwrap_or_default()
    }

    /// The same network, computed by Burn's own operations even where kiln's kernels could.
    #[must_use]
    pub fn with_burn_ops(self) -> Self {
        Self { burn_ops: true, ..self }
    }

    /// Shape of the images it takes.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Number of classes, the length of the logits.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The first convolution, whose filters apply to the image itself; none in a network without convolutions.
    #[must_use]
    pub fn first_convolution(&self) -> Option<&Conv2d> {
        self.layers.iter().find_map(|layer| match layer {
            Layer::Convolution(conv) => Some(conv),
            _ => None,
        })
    }

    /// The same network with other filters in its first convolution.
    ///
    /// # Shapes
    /// - `filters`: `[channels out, channels in, side, side]` with a side of [`PATCH_SIDE`](crate::PATCH_SIDE)
    ///
    /// # Panics
    /// If `filters` has another length.
    #[must_use]
    pub fn with_first_filters(mut self, filters: &[f32]) -> Self {
        let layers = self.layers.iter_mut();
        let first = layers.filter_map(|layer| match layer {
            Layer::Convolution(conv) => Some(conv),
            _ => None,
        });
        for conv in first.take(1) {
            *conv = with_filters(conv, filters);
        }
        self
    }

    /// Where the weights are.
    #[must_use]
    pub fn device(&self) -> Device {
        self.devices().pop().unwrap_or_default()
    }
}
