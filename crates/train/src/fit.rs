//! The training loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dataset::Examples;
use model::{INPUT_SIDE, NetworkConfig};
use run::{Config, EpochMetrics, RunDirectory};

use crate::average;
use crate::batches::{Batch, batches};
use crate::checkpoint::Checkpoint;
use crate::clip::clipped;
use crate::error::{Error, Result};
use crate::evaluate::{argmax, evaluate, lowest};
use crate::metrics::MetricsFile;
use crate::random::{shuffled, step_seed};
use crate::schedule::learning_rate;

/// What there is to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// All pictures that are not the test set.
    pub examples: &'a Examples,
    /// Indices of the training pictures.
    pub train: &'a [u32],
    /// Indices of the validation pictures; none where the configuration holds none out.
    pub val: &'a [u32],
}

/// What a front end may want to show while training goes on.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step has been made.
    Step {
        /// Counted from 1.
        epoch: usize,
        /// Steps made in this epoch.
        step: usize,
        /// Steps of a whole epoch.
        n_steps: usize,
        /// Mean loss of the epoch so far, in nats.
        loss: f64,
        /// Accuracy of the epoch so far, in [0, 1].
        accuracy: f64,
    },
    /// An epoch has ended and its row is in `metrics.csv`.
    Epoch {
        /// The row.
        metrics: &'a EpochMetrics,
        /// Whether its validation loss is the lowest so far.
        best: bool,
    },
}

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs were made.
    Finished,
    /// The validation loss had not fallen for `patience` epochs.
    StoppedEarly,
    /// `stop` was set; a checkpoint holds everything up to the last step.
    Interrupted,
}

/// Trains a network as `config` says, from scratch or from where `checkpoint` stands.
///
/// After every epoch a row is added to `metrics.csv` and the checkpoints `last` and, where the validation loss is the
/// lowest so far, `best` are written. When `stop` becomes true the current step is finished, a checkpoint is written
/// and the function returns.
///
/// # Errors
/// [`Error::Empty`], [`Error::Diverged`], or [`Error::Run`] where a file of the run cannot be written; the
/// checkpoints of the epochs before stay valid.
pub fn fit(
    data: Data,
    network: &NetworkConfig,
    config: &Config,
    run: &RunDirectory,
    checkpoint: Option<Checkpoint>,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    if data.train.is_empty() {
        return Err(Error::Empty { part: "training" });
    }
    if data.val.is_empty() && config.val_fraction > 0.0 {
        return Err(Error::Empty { part: "validation" });
    }
    let mut state = checkpoint.unwrap_or_else(|| Checkpoint::start(config, network));
    state.config = config.clone();
    let mut metrics = MetricsFile::start(&run.metrics(), &state.history)?;

    while state.history.len() < config.epochs {
        if out_of_patience(&state.history, config.patience) {
            return Ok(Outcome::StoppedEarly);
        }
        let completed;
        (state, completed) = train_epoch(state, data, config, stop, on_event)?;
        if !completed {
            state.write_last(run)?;
            return Ok(Outcome::Interrupted);
        }
        let row = finish_epoch(&mut state, data)?;
        metrics.append(&row)?;
        let best = state.is_best();
        if best {
            state.write_best(run)?;
        }
        state.write_last(run)?;
        on_event(Event::Epoch { metrics: &row, best });
    }
    Ok(Outcome::Finished)
}

/// Makes the steps of an epoch that are not made yet; false where `stop` ended it before the last.
///
/// The state comes and goes by value: a step moves the weights through the optimiser, which then owns them alone and
/// writes to them in place.
fn train_epoch(
    mut state: Checkpoint,
    data: Data,
    config: &Config,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Checkpoint, bool)> {
    let device = Device::flex().autodiff();
    let epoch = state.history.len() + 1;
    let cross_entropy = cross_entropy(config, &device);
    let order = shuffled(data.train, config.seed, epoch);
    let n_steps = order.len().div_ceil(config.batch_size);
    let first = state.epoch.step;
    let started = Instant::now();
    let seconds_before = state.epoch.seconds;

    std::thread::scope(|scope| {
        let batches = batches(scope, data.examples, &order, config, (epoch, first));
        for (step, Batch { pixels, labels }) in (first..).zip(batches) {
            if stop.load(Ordering::Relaxed) {
                return Ok((state, false));
            }
            let steps_before = (epoch - 1) * n_steps + step;
            let learning_rate = learning_rate(config, steps_before, n_steps);
            let targets = target_tensor(&labels, &device);

            // Dropout draws from this, so a resumed run drops what the uninterrupted one would have dropped.
            device.seed(step_seed(config.seed, epoch, step));
            let logits = state.model.forward(pixel_tensor(&pixels, &device));
            let loss = cross_entropy.forward(logits.clone(), targets);
            let mut gradients = GradientsParams::from_grads(loss.backward(), &state.model);
            if config.gradient_clip > 0.0 {
                gradients = clipped(gradients, &state.model, config.gradient_clip);
            }
            state.model = state.optimizer.step(learning_rate, state.model, gradients);
            if let Some(average) = state.average.take() {
                let decay = config.average_decay;
                state.average = Some(average::moved(average, &state.model, decay, steps_before));
            }

            let loss = f64::from(loss.into_scalar::<f32>());
            if !loss.is_finite() {
                return Err(Error::Diverged { epoch, step, loss, learning_rate });
            }
            state.epoch.step = step + 1;
            state.epoch.seen += labels.len();
            state.epoch.loss_sum += loss * labels.len() as f64;
            state.epoch.n_right += n_right(logits, &labels);
            state.epoch.learning_rate = learning_rate;
            state.epoch.seconds = seconds_before + started.elapsed().as_secs_f64();
            on_event(Event::Step {
                epoch,
                step: step + 1,
                n_steps,
                loss: state.epoch.loss(),
                accuracy: state.epoch.accuracy(),
            });
        }
        Ok((state, true))
    })
}

/// Validates, and turns the epoch's sums into its row of the history.
fn finish_epoch(state: &mut Checkpoint, data: Data) -> Result<EpochMetrics> {
    let started = Instant::now();
    let scores = match data.val {
        [] => None,
        val => Some(evaluate(&state.network(), data.examples, val)?),
    };
    let epoch = std::mem::take(&mut state.epoch);
    let row = EpochMetrics {
        epoch: state.history.len() + 1,
        loss: epoch.loss(),
        accuracy: epoch.accuracy(),
        val_loss: scores.as_ref().map(|scores| scores.loss),
        val_accuracy: scores.as_ref().map(|scores| scores.accuracy),
        learning_rate: epoch.learning_rate,
        seconds: epoch.seconds + started.elapsed().as_secs_f64(),
        images_per_second: epoch.seen as f64 / epoch.seconds,
    };
    state.history.push(row.clone());
    Ok(row)
}

/// Whether the lowest validation loss lies `patience` epochs back; never where patience is 0.
fn out_of_patience(history: &[EpochMetrics], patience: usize) -> bool {
    patience > 0 && lowest(history).is_some_and(|(best, _)| history.len() - best.epoch >= patience)
}

fn cross_entropy(config: &Config, device: &Device) -> CrossEntropyLoss {
    let smoothing = (config.label_smoothing > 0.0).then_some(config.label_smoothing as f32);
    CrossEntropyLossConfig::new().with_smoothing(smoothing).init(device)
}

/// Raw bytes `[batch * 784]` as grey levels `[batch, 1, 28, 28]`.
pub(crate) fn pixel_tensor(pixels: &[u8], device: &Device) -> Tensor<4> {
    let batch = pixels.len() / (INPUT_SIDE * INPUT_SIDE);
    let levels: Vec<f32> = pixels.iter().copied().map(f32::from).collect();
    Tensor::from_data(TensorData::new(levels, [batch, 1, INPUT_SIDE, INPUT_SIDE]), device)
}

fn target_tensor(labels: &[u8], device: &Device) -> Tensor<1, Int> {
    let targets: Vec<i64> = labels.iter().copied().map(i64::from).collect();
    Tensor::from_data(TensorData::new(targets, [labels.len()]), device)
}

fn n_right(logits: Tensor<2>, labels: &[u8]) -> usize {
    let [_, n_classes] = logits.dims();
    let logits = logits.into_data().try_into_vec::<f32>().expect("the network computes in f32");
    let predicted = logits.chunks_exact(n_classes).map(argmax);
    predicted.zip(labels).filter(|&(predicted, &label)| predicted == usize::from(label)).count()
}
