//! One step: the gradients of a batch, and what they change.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::GradientsParams;
use model::Network;
use run::{Config, TrainingSettings, argmax};

use crate::average;
use crate::batches::Batch;
use crate::checkpoint::Checkpoint;
use crate::clip::clipped;
use crate::tensors::{pixel_tensor, target_tensor, values};

/// The scores of a batch while the network is in training, dropout on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepScores {
    /// Mean cross-entropy, in nats, against smoothed labels where they are.
    pub(crate) loss: f64,
    /// Images classified correctly.
    pub(crate) n_correct: usize,
}

/// The gradients of the mean loss over `batch`, of the last layer alone where the others are frozen, and its scores. `key`
/// seeds dropout.
///
/// With `weights` of the classes the mean is the weighted one, divided by the sum of the images' weights, as in PyTorch.
///
/// Burn's random numbers are one stream for the whole process, so no other thread may draw from it during this call.
pub(crate) fn gradients(
    network: &Network,
    batch: &Batch,
    settings: &TrainingSettings,
    weights: Option<&[f32]>,
    key: u64,
) -> (GradientsParams, StepScores) {
    let device = network.device();
    device.seed(key);
    let logits = network.forward(pixel_tensor(&batch.pixels, network.shape(), &device));
    let TrainingSettings { label_smoothing, freeze, .. } = *settings;
    let smoothing = (label_smoothing > 0.0).then_some(label_smoothing as f32);
    let cross_entropy = CrossEntropyLossConfig::new()
        .with_smoothing(smoothing)
        .with_weights(weights.map(<[f32]>::to_vec))
        .init(&device);
    let loss = cross_entropy.forward(logits.clone(), target_tensor(&batch.labels, &device));
    let mut gradients = loss.backward();
    let gradients = match freeze {
        true => GradientsParams::from_params(&mut gradients, network, &network.head()),
        false => GradientsParams::from_grads(gradients, network),
    };
    let predicted = values(logits);
    let predicted = predicted.chunks_exact(network.n_classes()).map(argmax);
    let correct =
        predicted.zip(&batch.labels).filter(|&(class, &label)| class == usize::from(label));
    let scores = StepScores { loss: loss.into_scalar::<f32>().into(), n_correct: correct.count() };
    (gradients, scores)
}

/// The state after a step of Adam by `gradients`; `step` counts from 0 over the whole run.
///
/// The state is taken and returned by value: the optimiser then owns the weights alone and writes to them in place.
pub(crate) fn apply(
    mut state: Checkpoint,
    gradients: GradientsParams,
    config: &Config,
    learning_rate: f64,
    step: usize,
) -> Checkpoint {
    let settings = &config.optimizer;
    let most = settings.gradient_clip;
    let gradients = if most > 0.0 { clipped(gradients, &state.model, most) } else { gradients };
    state.model = state.optimizer.step(learning_rate, state.model, gradients);
    if let Some(average) = state.average.take() {
        state.average = Some(average::moved(average, &state.model, settings.average_decay, step));
    }
    state
}
