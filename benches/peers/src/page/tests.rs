//! Tests of the page, and of the agreement that it reports.

use super::*;
use crate::agreement::Agreement;
use crate::history::Epoch;

fn trained(name: &'static str, epochs: &[(f64, f64)]) -> Row<Training> {
    let epoch = |&(val_loss, seconds): &(f64, f64)| Epoch { val_loss, val_accuracy: 0.9, seconds };
    Row { name, measured: Ok(Training { processes: vec![epochs.iter().map(epoch).collect()] }) }
}

fn answered(name: &'static str, milliseconds: f64, same_class: usize) -> Row<Inference> {
    let agreement = Agreement { n_images: 100, same_class, largest_difference: 2e-7 };
    let times = || vec![milliseconds, milliseconds * 1.5, milliseconds];
    let rounds = std::array::from_fn(|_| std::array::from_fn(|_| times()));
    Row { name, measured: Ok(Inference { rounds, agreement }) }
}

fn reached(
    name: &'static str,
    seconds: Option<f64>,
    accuracy: f64,
    part: &'static str,
) -> Row<TimeToAccuracy> {
    Row { name, measured: Ok(TimeToAccuracy { seconds, epochs: 2, accuracy, part }) }
}

fn results() -> Results {
    Results {
        date: "2026-01-02".to_owned(),
        conditions: vec![("processor", "a|b".to_owned())],
        training: vec![
            trained("kiln", &[(0.07, 33.0), (0.05, 30.0)]),
            trained("Keras", &[(0.06, 24.0), (0.05, 20.0)]),
            trained("stock Burn", &[(0.065, 96.0)]),
            Row { name: "PyTorch", measured: Err("no\n  torch".to_owned()) },
        ],
        end_to_end: vec![Row {
            name: "kiln",
            measured: Ok(EndToEnd { seconds: 600.4, test_accuracy: 0.9918 }),
        }],
        time_to_accuracy: vec![
            reached("kiln", Some(9.87), 0.9911, "test"),
            reached("Keras", None, 0.9871, "validation"),
        ],
        inference: vec![
            answered("ONNX Runtime", 0.2, 100),
            answered("stock tract", 0.5, 100),
            answered("stock Burn", 1.0, 99),
        ],
    }
}

#[track_caller]
fn has(page: &str, line: &str) {
    assert!(page.lines().any(|found| found == line), "{line}\nis not in\n{page}");
}

#[test]
fn figures_are_related_to_their_baseline() {
    let page = markdown(&results());
    assert!(page.starts_with("# kiln and its peers, 2026-01-02\n"));
    has(&page, "| processor | a\\|b |");
    has(&page, "| kiln | 30.0 | 33.0 | 1.50 | 0.0500 (epoch 2) | yes | 1 |");
    has(&page, "| Keras | 20.0 | 24.0 | 1.00 | 0.0500 (epoch 2) | yes | 1 |");
    has(&page, "| stock Burn | - | 96.0 | 4.00 (first) | 0.0650 (epoch 1) | yes | 1 |");
    has(&page, "| kiln | 600 | 99.18 % |");
    has(&page, "| kiln | 9.9 | 2 | 99.11 % test |");
    has(&page, "| Keras | not reached | 2 | 98.71 % validation |");
    let times = "0.5000 (2.50) | 0.5000 (2.50) | 0.5000 (2.50)";
    has(&page, &format!("| stock tract | {times} | 50 % |"));
    has(&page, "| stock tract | 100/100 | 2.0e-7 | yes |");
    has(&page, "| stock Burn | 99/100 | 2.0e-7 | **no** |");
    assert!(
        page.contains("## Inference, 1 thread\n") && page.contains("## Inference, 2 threads\n")
    );
}

#[test]
fn a_system_that_was_not_measured_keeps_its_row_and_has_a_reason() {
    let mut results = results();
    results.inference[0].measured = Err("no Python".to_owned());
    results.end_to_end.clear();
    let page = markdown(&results);
    has(&page, "| PyTorch | not measured | - | - | - | - | 0 |");
    has(&page, "- PyTorch, training: no torch");
    has(&page, "| ONNX Runtime | not measured | - | - | - |");
    has(&page, "| ONNX Runtime | not measured | - | - |");
    has(&page, "- ONNX Runtime, inference: no Python");
    has(&page, "| stock tract | 0.5000 | 0.5000 | 0.5000 | 50 % |");
    assert!(!page.contains("End to end"), "{page}");
}

#[test]
fn a_difference_counts_as_disagreement_and_a_missing_system_does_not() {
    let mut results = results();
    assert!(!results.agree(), "a class differs");
    results.inference[2].measured = Err("ended".to_owned());
    assert!(results.agree());
    results.training[2] = trained("stock Burn", &[(0.65, 96.0)]);
    assert!(!results.agree(), "a loss differs");
}
