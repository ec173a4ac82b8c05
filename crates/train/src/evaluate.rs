//! Loss, accuracy and predictions of a network.

use std::ops::ControlFlow;

use dataset::Examples;
use model::Network;
use run::{Prediction, prediction};

use crate::error::{Error, Result};
use crate::pool::in_pool;
use crate::tensors::{pixel_tensor, values};

/// Images a forward pass takes in inference: enough to keep the cores busy, while the largest feature maps of the
/// article's network stay at 75 MB.
pub(crate) const BATCH: usize = 512;

/// Hears how many images are classified, and says whether to go on.
pub type Watch<'a> = dyn FnMut(usize) -> ControlFlow<()> + 'a;

/// Mean scores over a set of images, and the prediction for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Fraction classified correctly, in [0, 1].
    pub accuracy: f64,
    /// One entry an image, in the order of the given indices.
    pub predictions: Vec<Prediction>,
}

/// Classifies the images at `indices` and scores the predictions.
///
/// `network` has to be an inference model (`model.valid()`), otherwise dropout is on.
///
/// # Errors
/// [`Error::Empty`] where there are no indices, [`Error::Interrupted`] where `watch` breaks off.
pub fn evaluate(
    network: &Network,
    examples: &Examples,
    indices: &[u32],
    watch: &mut Watch,
) -> Result<Scores> {
    if indices.is_empty() {
        return Err(Error::Empty { part: "test" });
    }
    let n_classes = network.n_classes();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let mut predictions = Vec::with_capacity(indices.len());
    for batch in indices.chunks(BATCH) {
        examples.gather(batch, &mut pixels, &mut labels);
        let logits = logits(network, &pixels);
        for ((&index, &label), logits) in
            batch.iter().zip(&labels).zip(logits.chunks_exact(n_classes))
        {
            predictions.push(prediction(index as usize, usize::from(label), logits));
        }
        if watch(predictions.len()).is_break() {
            return Err(Error::Interrupted);
        }
    }
    let n = predictions.len() as f64;
    let n_correct = predictions.iter().filter(|p| p.predicted == p.label).count();
    let loss = predictions.iter().map(|p| p.loss).sum::<f64>() / n;
    Ok(Scores { loss, accuracy: n_correct as f64 / n, predictions })
}

/// The logits `[n * n_classes]` of `n` images of the network's shape, one after the other, in one forward pass.
#[must_use]
pub fn logits(network: &Network, pixels: &[u8]) -> Vec<f32> {
    let forward = || network.forward(pixel_tensor(pixels, network.shape(), &network.device()));
    values(in_pool(forward))
}
