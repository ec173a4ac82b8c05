//! The training loop.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;
use dataset::Examples;
use model::NetworkConfig;
use run::{Config, DatasetFacts, EpochMetrics, RunDirectory, TrainingSettings};

use crate::batches::batches;
use crate::checkpoint::Checkpoint;
use crate::class_weights::class_weights;
use crate::error::{Error, Result};
use crate::evaluate::evaluate;
use crate::event::{Event, Outcome};
use crate::memory::check_memory;
use crate::metrics::MetricsFile;
use crate::pool::in_pool;
use crate::random::{shuffled, step_seed};
use crate::schedule::learning_rate;
use crate::step::{apply, gradients};

/// The images to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// All images outside the test set.
    pub examples: &'a Examples,
    /// Indices of the training images.
    pub train: &'a [u32],
    /// Indices of the validation images; none where `val_fraction` is 0.
    pub val: &'a [u32],
}

/// What is trained, how, and where the results go.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The images.
    pub data: Data<'a>,
    /// Every setting.
    pub config: &'a Config,
    /// What the images are.
    pub facts: &'a DatasetFacts,
    /// Where `metrics.csv` and the checkpoints are written.
    pub run: &'a RunDirectory,
    /// What computes; without autodiff, which training adds.
    pub device: &'a Device,
}

/// Trains a network, from scratch or on from `checkpoint`.
///
/// After every epoch a row is added to `metrics.csv` and the checkpoints `last` and, where the validation loss is the
/// lowest so far, `best` are written. When `stop` becomes true the current step is finished, or validation broken off, a
/// checkpoint is written and the function returns.
///
/// # Errors
/// [`Error::Empty`], [`Error::Memory`], [`Error::Network`], [`Error::Diverged`], or [`Error::Run`] where a file of the
/// run cannot be written; the checkpoints of earlier epochs stay valid.
pub fn fit(
    training: &Training,
    checkpoint: Option<Checkpoint>,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    let Training { data, config, facts, run, device } = *training;
    if data.train.is_empty() {
        return Err(Error::Empty { part: "training" });
    }
    if data.val.is_empty() && config.data.val_fraction > 0.0 {
        return Err(Error::Empty { part: "validation" });
    }
    check_memory(config, &NetworkConfig::new(config, facts), data.train.len())?;
    let mut state = match checkpoint {
        Some(checkpoint) => Checkpoint { config: config.clone(), ..checkpoint },
        None => Checkpoint::start(config, facts, device)?.whitened(data),
    };
    let mut metrics = MetricsFile::start(&run.metrics(), &state.history)?;

    while state.history.len() < config.training.epochs {
        if out_of_patience(&state.history, &config.training) {
            return Ok(Outcome::StoppedEarly);
        }
        let finished;
        (state, finished) = train_epoch(state, data, config, stop, on_event)?;
        if !finished {
            state.write_last(run)?;
            return Ok(Outcome::Interrupted);
        }
        let row = match finish_epoch(&mut state, data, stop, on_event) {
            Err(Error::Interrupted) => {
                state.write_last(run)?;
                return Ok(Outcome::Interrupted);
            }
            row => row?,
        };
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

/// Makes the remaining steps of an epoch; false where `stop` ended it before the last.
fn train_epoch(
    mut state: Checkpoint,
    data: Data,
    config: &Config,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(Checkpoint, bool)> {
    let settings = &config.training;
    let epoch = state.history.len() + 1;
    let order = shuffled(data.train, settings.seed, epoch);
    let weights = class_weights(settings.class_weights, data, state.facts.classes.len());
    let n_steps = order.len().div_ceil(settings.batch_size);
    let first = state.epoch.step;
    let seconds_before = state.epoch.seconds;
    let started = Instant::now();

    std::thread::scope(|scope| {
        let batches = batches(scope, data.examples, &order, config, (epoch, first));
        for (step, batch) in (first..).zip(batches) {
            if stop.load(Ordering::Relaxed) {
                return Ok((state, false));
            }
            let steps_before = (epoch - 1) * n_steps + step;
            let learning_rate = learning_rate(config, steps_before, n_steps);
            // A resumed run drops what the uninterrupted one would have dropped.
            let key = step_seed(settings.seed, epoch, step);
            let model = &state.model;
            let (gradients, scores) =
                in_pool(|| gradients(model, &batch, settings, weights.as_deref(), key));
            if !scores.loss.is_finite() {
                return Err(Error::Diverged { epoch, step, loss: scores.loss, learning_rate });
            }
            state = in_pool(|| apply(state, gradients, config, learning_rate, steps_before));

            let n = batch.labels.len();
            state.epoch.step = step + 1;
            state.epoch.seen += n;
            state.epoch.loss_sum += scores.loss * n as f64;
            state.epoch.n_correct += scores.n_correct;
            state.epoch.learning_rate = learning_rate;
            state.epoch.seconds = seconds_before + started.elapsed().as_secs_f64();
            let (loss, accuracy) = (state.epoch.loss(), state.epoch.accuracy());
            on_event(Event::Step { epoch, step: step + 1, n_steps, loss, accuracy });
        }
        Ok((state, true))
    })
}

/// Validates, and turns the epoch's sums into its row of the history. [`Error::Interrupted`] leaves the state as it was.
fn finish_epoch(
    state: &mut Checkpoint,
    data: Data,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event),
) -> Result<EpochMetrics> {
    let started = Instant::now();
    let (epoch, total) = (state.history.len() + 1, data.val.len());
    let mut watch = |done| {
        on_event(Event::Validation { epoch, done, total });
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let scores = match data.val {
        [] => None,
        val => Some(evaluate(&state.network(), data.examples, val, &mut watch)?),
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

/// Whether the last improvement was `patience` epochs ago; never where patience is 0.
///
/// An improvement is a validation loss more than `min_delta` below that of the improvement before, as in Keras's
/// `EarlyStopping`.
pub(crate) fn out_of_patience(history: &[EpochMetrics], settings: &TrainingSettings) -> bool {
    let mut best = (0, f64::INFINITY);
    for row in history {
        match row.val_loss {
            Some(loss) if loss < best.1 - settings.min_delta => best = (row.epoch, loss),
            _ => {}
        }
    }
    settings.patience > 0 && best.0 > 0 && history.len() - best.0 >= settings.patience
}
