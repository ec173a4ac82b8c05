//! The training loop against cases computed by hand.

#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Tensor, TensorData};
use dataset::Examples;
use images::ImageShape;
use model::{Network, NetworkConfig};
use run::{
    Architecture, Config, DatasetFacts, EpochMetrics, RunDirectory, Schedule, Selection,
    TrainingSettings, lowest, softmax,
};

use crate::fit::out_of_patience;
use crate::metrics::MetricsFile;
use crate::random::{shuffled, step_seed};
use crate::records::check_resumable;
use crate::tensors::{pixel_tensor, target_tensor, values};
use crate::{
    Checkpoint, Data, Error, Event, Outcome, Training, check_settings, checked_metrics, evaluate,
    fit,
};

/// Burn's random numbers are one stream for the process, so tests that draw weights or train take turns.
static RANDOM: Mutex<()> = Mutex::new(());

/// A failed test no longer uses the stream, so a poisoned lock is ignored.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Three classes.
fn facts() -> DatasetFacts {
    let text = format!(
        r#"{{"name": "test", "synthetic": true, "sha256": "", "classes": ["a", "b", "c"], "n_train": 0, "n_val": 0,
            "n_test": 0, "mean": [127.0], "std": [74.0], "shape": {}}}"#,
        serde_json::to_string(&ImageShape::DIGIT).unwrap()
    );
    serde_json::from_str(&text).unwrap()
}

/// The article's network for three classes.
fn network() -> NetworkConfig {
    NetworkConfig::new(&Config::default(), &facts())
}

/// A run directory without anything in it.
fn empty_run() -> (tempfile::TempDir, RunDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDirectory { path: folder.path().to_owned() };
    std::fs::create_dir(run.checkpoints()).unwrap();
    (folder, run)
}

/// The network before training, in training.
fn start() -> Network {
    Network::new(&network(), SEED, &Device::flex().autodiff()).unwrap()
}

const SEED: u64 = 11;

fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// `n` images of a pattern that depends on their class.
fn examples(n: usize) -> Examples {
    let labels: Vec<u16> = (0..n).map(|index| (index % 3) as u16).collect();
    let level =
        |image: usize, pixel: usize| ((pixel * (image % 3 + 2) * 31 + image * 7) % 256) as u8;
    let pixels = (0..n).flat_map(|image| (0..784).map(move |pixel| level(image, pixel))).collect();
    Examples { shape: ImageShape::DIGIT, pixels, labels }
}

fn config(epochs: usize, batch_size: usize) -> Config {
    let mut config = Config::default();
    "test".clone_into(&mut config.data.data);
    let settings = &mut config.training;
    (settings.epochs, settings.batch_size, settings.seed) = (epochs, batch_size, SEED);
    config
}

/// [`fit`] from scratch, not interrupted.
fn train_into(
    run: &RunDirectory,
    data: Data,
    config: &Config,
    on_event: &mut dyn FnMut(Event),
) -> crate::Result<Outcome> {
    let (facts, device) = (facts(), Device::flex());
    let training = Training { data, config, facts: &facts, run, device: &device };
    fit(&training, None, &AtomicBool::new(false), on_event)
}

/// The checkpoint that `config` selects.
fn selected(run: &RunDirectory, config: &Config, selection: Selection) -> Checkpoint {
    let mut config = config.clone();
    config.training.checkpoint = selection;
    Checkpoint::selected(run, &config, &facts(), &Device::flex()).unwrap()
}

/// Trains from scratch and gives the weights at the end, and the number of steps.
fn train(examples: &Examples, config: &Config) -> (Network, usize) {
    let (_folder, run) = empty_run();
    let indices: Vec<u32> = (0..examples.len() as u32).collect();
    let data = Data { examples, train: &indices, val: &indices };
    let mut n_steps = 0;
    let mut count = |event: Event| n_steps += usize::from(matches!(event, Event::Step { .. }));
    assert_eq!(train_into(&run, data, config, &mut count).unwrap(), Outcome::Finished);
    (selected(&run, config, Selection::Last).model, n_steps)
}

/// The logits that `network` computed in the only step of `epoch`, dropout included, and the labels in their order.
fn forward_of_step(network: &Network, examples: &Examples, epoch: usize) -> (Tensor<2>, Vec<u16>) {
    let device = Device::flex().autodiff();
    let indices: Vec<u32> = (0..examples.len() as u32).collect();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    examples.gather(&shuffled(&indices, SEED, epoch), &mut pixels, &mut labels);
    device.seed(step_seed(SEED, epoch, 0));
    (network.forward(pixel_tensor(&pixels, examples.shape, &device)), labels)
}

/// Gradient of the mean cross-entropy by the last bias: the mean of `softmax(logits) - one_hot(label)`.
fn bias_gradient(network: &Network, examples: &Examples, epoch: usize) -> [f64; 3] {
    let (logits, labels) = forward_of_step(network, examples, epoch);
    let logits = values(logits);
    let mut gradient = [0.0; 3];
    for (logits, &label) in logits.chunks_exact(3).zip(&labels) {
        for (class, probability) in softmax(logits).into_iter().enumerate() {
            let target = f64::from(u8::from(class == usize::from(label)));
            gradient[class] += (probability - target) / labels.len() as f64;
        }
    }
    gradient
}

/// Every parameter in the order of the layers: first the weights and the bias of the first convolution, last the last
/// dense layer's bias.
fn parameters(network: &Network) -> Vec<Vec<f32>> {
    struct All(Vec<Vec<f32>>);
    impl ModuleVisitor for All {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(values(param.val()));
        }
    }
    let mut all = All(Vec::new());
    network.visit(&mut all);
    all.0
}

fn bias(network: &Network) -> Vec<f32> {
    parameters(network).pop().unwrap()
}

/// Adds a number to one weight of the first convolution.
struct Shift {
    weight: usize,
    by: f32,
    done: bool,
}

impl ModuleMapper for Shift {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if std::mem::replace(&mut self.done, true) {
            return param;
        }
        param.map(|tensor| {
            let (shape, device) = (tensor.shape(), tensor.device());
            let mut values = values(tensor);
            values[self.weight] += self.by;
            Tensor::from_data(TensorData::new(values, shape), &device)
        })
    }
}

#[test]
fn two_steps_of_adam_move_the_last_bias_as_computed_by_hand() {
    let _turn = turn();
    let examples = examples(9);
    let rate = 1e-3;
    let first = bias_gradient(&start(), &examples, 1);
    let (after_one, _) = train(&examples, &config(1, 9));
    let second = bias_gradient(&after_one, &examples, 2);
    let (after_two, n_steps) = train(&examples, &config(2, 9));
    assert_eq!(n_steps, 2);
    for class in 0..3 {
        // Kingma and Ba 2015, algorithm 1, written out for two steps.
        let (g1, g2) = (first[class], second[class]);
        let one = -rate * g1 / (g1.abs() + 1e-7);
        assert!((f64::from(bias(&after_one)[class]) - one).abs() < 1e-7, "{one}");
        let m = (0.9 * 0.1 * g1 + 0.1 * g2) / (1.0 - 0.9_f64.powi(2));
        let v = (0.999 * 0.001 * g1 * g1 + 0.001 * g2 * g2) / (1.0 - 0.999_f64.powi(2));
        let two = one - rate * m / (v.sqrt() + 1e-7);
        assert!((f64::from(bias(&after_two)[class]) - two).abs() < 2e-7, "{two}");
    }
}

#[test]
fn gradients_of_a_convolution_are_the_slope_of_the_loss() {
    let _turn = turn();
    let examples = examples(6);
    let network = start();
    let loss = |network: &Network| {
        let (logits, labels) = forward_of_step(network, &examples, 1);
        let device = network.device();
        let targets = target_tensor(&labels, &device);
        CrossEntropyLossConfig::new().init(&device).forward(logits, targets)
    };
    let gradients = loss(&network).backward();
    let weight = network.first_convolution().unwrap().weight.val();
    let gradient = values(weight.grad(&gradients).unwrap());
    let steepest = (0..gradient.len())
        .max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()))
        .unwrap();
    let shifted = |by: f32| {
        let moved = network.clone().map(&mut Shift { weight: steepest, by, done: false });
        f64::from(loss(&moved).into_scalar::<f32>())
    };
    // Wide enough that rounding of the loss does not drown the slope, narrow enough that few ReLUs change sides.
    let width = 1e-4;
    let slope = (shifted(width) - shifted(-width)) / (2.0 * f64::from(width));
    let expected = f64::from(gradient[steepest]);
    assert!((slope - expected).abs() < 0.05 * expected.abs(), "{slope} {expected}");
}

#[test]
fn the_last_partial_batch_is_kept() {
    let _turn = turn();
    let (_, n_steps) = train(&examples(10), &config(1, 4));
    assert_eq!(n_steps, 3);
}

#[test]
fn a_checkpoint_gives_back_the_weights_that_scored() {
    let _turn = turn();
    let examples = examples(12);
    let (_folder, run) = empty_run();
    let indices: Vec<u32> = (0..12).collect();
    let data = Data { examples: &examples, train: &indices[..8], val: &indices[8..] };
    let config = config(3, 4);
    train_into(&run, data, &config, &mut |_| {}).unwrap();
    let rows = run::read_metrics(&run.metrics()).unwrap();
    let lowest = lowest(&rows).unwrap().0;
    for (selection, row) in [(Selection::Last, &rows[2]), (Selection::Best, lowest)] {
        let checkpoint = selected(&run, &config, selection);
        let scores = evaluate(&checkpoint.network(), &examples, &indices[8..], &mut go_on).unwrap();
        assert_eq!((Some(scores.loss), checkpoint.epoch()), (row.val_loss, row.epoch));
    }
}

#[test]
fn an_interruption_during_validation_loses_nothing() {
    let _turn = turn();
    let examples = examples(12);
    let indices: Vec<u32> = (0..12).collect();
    let data = Data { examples: &examples, train: &indices[..8], val: &indices[8..] };
    let (config, facts, device) = (config(2, 4), facts(), Device::flex());
    let (_whole, whole) = empty_run();
    train_into(&whole, data, &config, &mut |_| {}).unwrap();
    let (_cut, cut) = empty_run();
    let stop = AtomicBool::new(false);
    let mut stop_there = |event: Event| {
        let there = matches!(event, Event::Validation { epoch: 2, .. });
        stop.fetch_or(there, Ordering::Relaxed);
    };
    let training = Training { data, config: &config, facts: &facts, run: &cut, device: &device };
    assert_eq!(fit(&training, None, &stop, &mut stop_there).unwrap(), Outcome::Interrupted);
    let restored = Checkpoint::newest(&cut, &config, &facts, &device).unwrap().checkpoint;
    assert_eq!((restored.epoch(), restored.epoch.step), (1, 2));
    let outcome = fit(&training, Some(restored), &AtomicBool::new(false), &mut |_| {});
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    let [a, b] = [whole, cut].map(|run| selected(&run, &config, Selection::Last));
    assert_eq!(parameters(&a.model), parameters(&b.model));
}

/// Where the learning rate is the same in every epoch, a run may have more of them.
#[test]
fn a_run_whose_learning_rate_was_planned_keeps_its_epochs() {
    let resumable = |schedule, epochs| {
        let mut planned = config(2, 4);
        planned.optimizer.schedule = schedule;
        let mut asked = planned.clone();
        asked.training.epochs = epochs;
        check_resumable(Path::new("last"), (&planned, &facts()), (&asked, &facts()))
    };
    assert!(resumable(Schedule::Constant, 3).is_ok());
    assert!(matches!(resumable(Schedule::Constant, 1), Err(Error::FewerEpochs { .. })));
    for schedule in [Schedule::OneCycle, Schedule::Cosine] {
        assert!(resumable(schedule, 2).is_ok());
        let error = resumable(schedule, 3).unwrap_err();
        assert!(
            matches!(&error, Error::PlannedEpochs { planned, epochs }
            if planned == "2" && epochs == "3"),
            "{error:?}"
        );
    }
}

/// The checkpoint says what the network is; the other files are believed only where they agree.
#[test]
fn records_that_were_changed_are_noticed() {
    let _turn = turn();
    let examples = examples(12);
    let indices: Vec<u32> = (0..12).collect();
    let data = Data { examples: &examples, train: &indices[..8], val: &indices[8..] };
    let config = config(2, 4);
    let (_folder, run) = empty_run();
    train_into(&run, data, &config, &mut |_| {}).unwrap();
    let rows = run::read_metrics(&run.metrics()).unwrap();
    assert_eq!(checked_metrics(&run, &config, &facts()).unwrap(), rows);

    let renamed = ["b", "a", "c"].map(str::to_owned).to_vec();
    for (changed, key) in [
        (DatasetFacts { mean: vec![933.0], ..facts() }, "mean"),
        (DatasetFacts { std: vec![7.0], ..facts() }, "std"),
        (DatasetFacts { classes: renamed, ..facts() }, "classes"),
    ] {
        let selected = Checkpoint::selected(&run, &config, &changed, &Device::flex()).err();
        let named =
            |error: &Error| matches!(error, Error::OtherConfiguration { key: k, .. } if k == key);
        assert!(selected.as_ref().is_some_and(named), "{key}: {selected:?}");
        assert!(checked_metrics(&run, &config, &changed).is_err());
    }
    let mut wide = config.clone();
    wide.network.width = 1000;
    let error = Checkpoint::newest(&run, &wide, &facts(), &Device::flex()).err().unwrap();
    assert!(error.to_string().contains("width = 32"), "{error}");

    let with = |rows: &[EpochMetrics]| {
        MetricsFile::start(&run.metrics(), rows).unwrap();
        checked_metrics(&run, &config, &facts())
    };
    for epoch in 0..2 {
        let mut changed = rows.clone();
        changed[epoch].accuracy += 1e-9;
        let error = with(&changed);
        assert!(matches!(error, Err(Error::OtherMetrics { epoch: e, .. }) if e == epoch + 1));
    }
    assert!(with(&rows[..1]).is_err());
    with(&[&rows[..], &rows[1..]].concat()).unwrap();
}

#[test]
fn a_resumed_run_can_have_more_epochs_and_not_fewer() {
    let _turn = turn();
    let examples = examples(6);
    let data = Data { examples: &examples, train: &[0, 1, 2, 3], val: &[4, 5] };
    let (_folder, run) = empty_run();
    train_into(&run, data, &config(2, 4), &mut |_| {}).unwrap();
    let resumed = |epochs| {
        Checkpoint::newest(&run, &config(epochs, 4), &facts(), &Device::flex()).map(|_| ())
    };
    assert!(matches!(resumed(1), Err(Error::FewerEpochs { planned: 2, epochs: 1 })));
    assert!(check_settings(&run, &config(1, 4), &facts()).is_err());
    check_settings(&run, &config(2, 4), &facts()).unwrap();
    resumed(2).unwrap();
    resumed(3).unwrap();
}

#[test]
fn empty_parts_are_refused() {
    let examples = examples(3);
    let (_folder, run) = empty_run();
    for (train, val, part) in [(&[][..], &[0][..], "training"), (&[0][..], &[][..], "validation")] {
        let data = Data { examples: &examples, train, val };
        let result = train_into(&run, data, &config(1, 1), &mut |_| {});
        assert!(matches!(result, Err(Error::Empty { part: found }) if found == part));
    }
}

#[test]
fn a_network_that_does_not_fit_into_memory_is_refused_before_it_is_made() {
    let examples = examples(3);
    let (_folder, run) = empty_run();
    let mut config = config(1, 2);
    config.network.hidden = 1 << 40;
    let data = Data { examples: &examples, train: &[0, 1], val: &[2] };
    let result = train_into(&run, data, &config, &mut |_| {});
    assert!(matches!(result, Err(Error::Memory { .. })));
}

#[test]
fn a_checkpoint_of_an_earlier_layout_asks_to_train_again_and_others_are_damaged() {
    let (_folder, run) = empty_run();
    let read = |bytes: &[u8]| {
        std::fs::write(run.last_checkpoint(), bytes).unwrap();
        Checkpoint::newest(&run, &config(1, 1), &facts(), &Device::flex()).err().unwrap()
    };
    for earlier in ["01", "02", "03"] {
        let error = read(format!("kilnck{earlier} and what followed").as_bytes());
        assert!(matches!(error, Error::EarlierVersion { .. }));
        assert!(error.to_string().contains("train again"), "{error}");
    }
    for bytes in [&b"kilnck04"[..], b"kilnck99", b"kilnck", b"", b"something else"] {
        assert!(matches!(read(bytes), Error::Damaged { .. }));
    }
}

#[test]
fn patience_ends_a_run_whose_loss_does_not_fall_by_more_than_min_delta() {
    let history: Vec<_> = (1..)
        .zip([0.5, 0.3, 0.29, 0.28, 0.27])
        .map(|(epoch, loss)| EpochMetrics {
            epoch,
            loss,
            accuracy: 0.0,
            val_loss: Some(loss),
            val_accuracy: Some(0.0),
            learning_rate: 0.0,
            seconds: 0.0,
            images_per_second: 0.0,
        })
        .collect();
    let settings = |patience, min_delta| TrainingSettings {
        patience,
        min_delta,
        ..Config::default().training
    };
    // The loss falls in every epoch, but after the second by 0.01 only.
    assert!(!out_of_patience(&history, &settings(1, 0.0)));
    assert!(out_of_patience(&history, &settings(3, 0.1)));
    assert!(!out_of_patience(&history, &settings(4, 0.1)));
    // Small improvements add up: 0.28 is more than 0.015 below 0.3.
    assert!(!out_of_patience(&history, &settings(2, 0.015)));
    assert!(!out_of_patience(&history, &settings(0, 1.0)));
    assert!(!out_of_patience(&[], &settings(1, 0.0)));
}

#[test]
fn whitening_filters_come_from_the_training_images_and_stay() {
    let _turn = turn();
    let examples = examples(60);
    let with_whitening = |n_epochs| {
        let mut config = config(n_epochs, 20);
        let network = &mut config.network;
        (network.architecture, network.whiten, network.width) = (Architecture::Blocks, true, 4);
        config
    };
    let [one, two] = [1, 2].map(|n| parameters(&train(&examples, &with_whitening(n)).0));
    let drawn = NetworkConfig::new(&with_whitening(1), &facts());
    let drawn = parameters(&Network::new(&drawn, SEED, &Device::flex()).unwrap());
    // Filters and bias of the first convolution, and the filters of the next.
    assert_eq!([drawn[0].len(), drawn[1].len()], [8 * 9, 8]);
    assert_ne!(drawn[0], one[0]);
    assert_eq!(one[..2], two[..2]);
    assert_ne!(one[2], two[2]);
}
