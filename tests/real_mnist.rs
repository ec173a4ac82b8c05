//! One epoch on MNIST against Keras, if `KILN_DATA` names a folder with it.

use run::{DatasetFacts, RunDirectory, read_json};

use crate::support::{fresh_runs, kiln, real_mnist, succeed};

/// What `benches/peers/keras_train.py` printed for the same network, split and settings.
const KERAS_HISTORY: &str = include_str!("../benches/peers/keras_history.csv");
/// Tolerance of the first epoch's training and validation loss. Initial weights, order and dropout masks differ from
/// Keras's: over five runs of this recipe in Keras, PyTorch and kiln the losses had standard deviations of 0.016 and
/// 0.006. Three of those and a little more still detect a missing dropout, a wrong normalisation or a wrong loss.
const TOLERANCE: (f64, f64) = (0.05, 0.02);

#[test]
fn the_first_epoch_on_mnist_matches_keras() {
    let Some(data) = real_mnist() else {
        eprintln!("skipped: KILN_DATA names no folder with MNIST");
        return;
    };
    let runs = fresh_runs("mnist");
    succeed(kiln(&runs).env("KILN_DATA", &data).args(["train", "--epochs", "1"]));
    let run = RunDirectory::open(&runs, None).unwrap();
    let facts: DatasetFacts = read_json(&run.dataset()).unwrap();
    assert_eq!(facts.name, "MNIST");
    assert!(!facts.synthetic);
    assert_eq!((facts.n_train, facts.n_val, facts.n_test), (42_000, 18_000, 10_000));
    assert!((facts.mean[0] - 33.325_355_715_500_486).abs() < 1e-9);
    assert!((facts.std[0] - 78.576_985_425_674_86).abs() < 1e-9);
    let row = &run::read_metrics(&run.metrics()).unwrap()[0];
    let keras =
        KERAS_HISTORY.lines().nth(1).unwrap().split(',').map(|cell| cell.parse::<f64>().unwrap());
    let [_, loss, _, val_loss, ..] = keras.collect::<Vec<_>>()[..] else {
        panic!("too few columns")
    };
    assert!((row.loss - loss).abs() < TOLERANCE.0, "{row:?}");
    assert!((row.val_loss.unwrap() - val_loss).abs() < TOLERANCE.1, "{row:?}");
    assert!(row.val_accuracy.unwrap() > 0.975, "{row:?}");
}
