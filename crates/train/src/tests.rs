//! The loop against cases worked out by hand.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dataset::Examples;
use model::{Cnn, Network, NetworkConfig};
use run::{Config, RunDirectory, Selection};

use crate::checkpoint::Checkpoint;
use crate::evaluate::{lowest, softmax};
use crate::fit::{Data, Event, Outcome, fit, pixel_tensor};
use crate::random::{shuffled, step_seed};
use crate::{Error, evaluate};

/// Burn's random numbers are one stream for the process, so tests that train take turns.
static RANDOM: Mutex<()> = Mutex::new(());

/// A failed test has no claim on the stream, so its poison is of no interest.
fn turn() -> MutexGuard<'static, ()> {
    RANDOM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The article's network for three classes.
fn network() -> NetworkConfig {
    NetworkConfig::article(3, 127.0, 74.0)
}

fn article(network: Network) -> Cnn {
    match network {
        Network::Article(cnn) => cnn,
        other => panic!("{other}"),
    }
}

const SEED: u64 = 11;

/// `n` pictures of a pattern that tells their class.
fn examples(n: usize) -> Examples {
    let labels: Vec<u8> = (0..n).map(|index| (index % 3) as u8).collect();
    let level =
        |image: usize, pixel: usize| ((pixel * (image % 3 + 2) * 31 + image * 7) % 256) as u8;
    let pixels = (0..n).flat_map(|image| (0..784).map(move |pixel| level(image, pixel))).collect();
    Examples { pixels, labels }
}

fn config(epochs: usize, batch_size: usize) -> Config {
    Config { epochs, batch_size, seed: SEED, data: "test".to_owned(), ..Config::default() }
}

/// Trains from scratch and gives the weights at the end, and the number of steps.
fn train(examples: &Examples, config: &Config) -> (Cnn, usize) {
    let runs = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(runs.path(), None).unwrap();
    let indices: Vec<u32> = (0..examples.len() as u32).collect();
    let data = Data { examples, train: &indices, val: &indices };
    let mut n_steps = 0;
    let mut count = |event: Event| n_steps += usize::from(matches!(event, Event::Step { .. }));
    let outcome =
        fit(data, &network(), config, &run, None, &AtomicBool::new(false), &mut count).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    (article(Checkpoint::selected(&run, Selection::Last, &network()).unwrap().model), n_steps)
}

/// The logits that `cnn` computed in the only step of `epoch`, dropout and all, and the labels in their order.
fn forward_of_step(cnn: &Cnn, examples: &Examples, epoch: usize) -> (Tensor<2>, Vec<u8>) {
    let device = Device::flex().autodiff();
    let indices: Vec<u32> = (0..examples.len() as u32).collect();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    examples.gather(&shuffled(&indices, SEED, epoch), &mut pixels, &mut labels);
    device.seed(step_seed(SEED, epoch, 0));
    (cnn.forward(pixel_tensor(&pixels, &device)), labels)
}

/// Gradient of the mean cross-entropy by the last bias: the mean of `softmax(logits) - one_hot(label)`.
fn bias_gradient(cnn: &Cnn, examples: &Examples, epoch: usize) -> [f64; 3] {
    let (logits, labels) = forward_of_step(cnn, examples, epoch);
    let logits: Vec<f32> = logits.into_data().try_into_vec().unwrap();
    let mut gradient = [0.0; 3];
    for (logits, &label) in logits.chunks_exact(3).zip(&labels) {
        for (class, probability) in softmax(logits).into_iter().enumerate() {
            let target = f64::from(u8::from(class == usize::from(label)));
            gradient[class] += (probability - target) / labels.len() as f64;
        }
    }
    gradient
}

fn bias(cnn: &Cnn) -> Vec<f32> {
    cnn.dense2.bias.as_ref().unwrap().val().into_data().try_into_vec().unwrap()
}

#[test]
fn two_steps_of_adam_move_the_last_bias_as_computed_by_hand() {
    let _turn = turn();
    let examples = examples(9);
    let rate = 1e-3;
    let start = Cnn::new(&network(), SEED, &Device::flex().autodiff());
    let first = bias_gradient(&start, &examples, 1);
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
    let device = Device::flex().autodiff();
    let cnn = Cnn::new(&network(), SEED, &device);
    let loss = |cnn: &Cnn| {
        let (logits, labels) = forward_of_step(cnn, &examples, 1);
        let targets: Vec<i64> = labels.into_iter().map(i64::from).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [6]), &device);
        CrossEntropyLossConfig::new().init(&device).forward(logits, targets)
    };
    let gradients = loss(&cnn).backward();
    let gradient: Vec<f32> =
        cnn.conv1.weight.val().grad(&gradients).unwrap().into_data().try_into_vec().unwrap();
    let steepest = (0..gradient.len())
        .max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()))
        .unwrap();
    let shifted = |by: f32| {
        let mut moved = cnn.clone();
        moved.conv1.weight = moved.conv1.weight.map(|weight| {
            let mut values: Vec<f32> = weight.clone().into_data().try_into_vec().unwrap();
            values[steepest] += by;
            Tensor::from_data(TensorData::new(values, weight.dims()), &device)
        });
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
    let runs = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(runs.path(), None).unwrap();
    let indices: Vec<u32> = (0..12).collect();
    let data = Data { examples: &examples, train: &indices[..8], val: &indices[8..] };
    let stop = AtomicBool::new(false);
    fit(data, &network(), &config(3, 4), &run, None, &stop, &mut |_| {}).unwrap();
    let rows = run::read_metrics(&run.metrics()).unwrap();
    let lowest = lowest(&rows).unwrap().0;
    for (selection, row) in [(Selection::Last, &rows[2]), (Selection::Best, lowest)] {
        let checkpoint = Checkpoint::selected(&run, selection, &network()).unwrap();
        let scores = evaluate(&checkpoint.network(), &examples, &indices[8..]).unwrap();
        assert_eq!((Some(scores.loss), checkpoint.epoch()), (row.val_loss, row.epoch));
    }
}

#[test]
fn empty_parts_are_refused() {
    let examples = examples(3);
    let runs = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(runs.path(), None).unwrap();
    let stop = AtomicBool::new(false);
    for (train, val, part) in [(&[][..], &[0][..], "training"), (&[0][..], &[][..], "validation")] {
        let data = Data { examples: &examples, train, val };
        let result = fit(data, &network(), &config(1, 1), &run, None, &stop, &mut |_| {});
        assert!(matches!(result, Err(Error::Empty { part: found }) if found == part));
    }
}
