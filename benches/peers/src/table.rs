//! A sitting as Markdown.

use std::fmt::Write;

use super::goal::Goal;
use super::inference::{self, BATCHES, Inference, THREADS};
use super::training::{self, Training, VAL_LOSS_FACTOR};
use super::{Measured, Sitting};
use crate::verify::TOLERANCE;

/// What stands in a cell that has no figure.
const NONE: &str = "-";
/// What stands in the first cell of a row that was not measured; the reason is below the tables.
const GAP: &str = "gap";

/// The whole page.
pub(super) fn markdown(sitting: &Sitting) -> String {
    let mut text = format!("# kiln and its peers, {}\n\n", sitting.date);
    text.push_str(
        "One sitting on one machine: every system in turn, again and again, on the same pictures.\n\
         Figures are medians, and less is better.\n\
         `benches/peers/README.md` says what is timed, and how each system is set up.\n\n",
    );
    let facts: Vec<_> =
        sitting.facts.iter().map(|(n, v)| vec![(*n).to_owned(), v.clone()]).collect();
    table(&mut text, &["what", "value"], &facts);
    training(&mut text, &sitting.training);
    if !sitting.pipeline.is_empty() {
        pipeline(&mut text, sitting);
    }
    if !sitting.goals.is_empty() {
        goals(&mut text, &sitting.goals);
    }
    if sitting.inference.is_empty() {
        gaps(&mut text, sitting);
        return text;
    }
    for (thread, &n) in THREADS.iter().enumerate() {
        inference(&mut text, &sitting.inference, thread, n);
    }
    agreement(&mut text, &sitting.inference);
    gaps(&mut text, sitting);
    text
}

fn training(text: &mut String, rows: &[Training]) {
    if rows.is_empty() {
        return;
    }
    let baseline = rows.iter().find(|row| row.name == training::BASELINE);
    let cells = rows.iter().map(|row| {
        let (first, later) = (row.first_seconds(), row.later_seconds());
        let times = ratio(later, baseline.and_then(Training::later_seconds));
        let first_times = ratio(first, baseline.and_then(Training::first_seconds));
        let times = match (times, first_times) {
            (Some(times), _) => format!("{times:.2}"),
            (None, Some(times)) => format!("{times:.2} (first)"),
            (None, None) => NONE.to_owned(),
        };
        let val_loss = row
            .last_epoch()
            .and_then(|epoch| row.val_loss(epoch).map(|loss| format!("{loss:.4} (epoch {epoch})")));
        let same = match training::agrees(row, rows) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => NONE,
        };
        let n = row.processes.as_ref().map_or(0, Vec::len);
        vec![
            row.name.to_owned(),
            first_cell(&row.processes, later.map(|seconds| format!("{seconds:.1}"))),
            first.map_or(NONE.to_owned(), |seconds| format!("{seconds:.1}")),
            times,
            val_loss.unwrap_or(NONE.to_owned()),
            same.to_owned(),
            n.to_string(),
        ]
    });
    let cells: Vec<_> = cells.collect();
    let _ = write!(
        text,
        "\n## Training\n\n\
         Seconds an epoch, training and validation, on all CPUs.\n\
         The first epoch of every process is kept apart: it warms up.\n\
         Systems compute the same where the validation loss lies within a factor of\n\
         {VAL_LOSS_FACTOR} of all systems' median after the same epoch.\n\
         Burn as it comes makes one epoch alone, so its multiple of {} is of first epochs.\n\n",
        training::BASELINE
    );
    let times = format!("times {}", training::BASELINE);
    let head = [
        "system",
        "later epochs",
        "first epoch",
        &times,
        "validation loss",
        "the same",
        "processes",
    ];
    table(text, &head, &cells);
}

fn pipeline(text: &mut String, sitting: &Sitting) {
    let cells: Vec<_> = sitting
        .pipeline
        .iter()
        .map(|row| {
            let whole = row.measured.as_ref().ok();
            let seconds = whole.map(|whole| format!("{:.0}", whole.seconds));
            let accuracy = whole.map(|whole| format!("{:.2} %", whole.test_accuracy * 100.0));
            vec![
                row.name.to_owned(),
                first_cell(&row.measured, seconds),
                accuracy.unwrap_or(NONE.to_owned()),
            ]
        })
        .collect();
    let _ = write!(
        text,
        "\n## Pipeline\n\n\
         Seconds from the start of the process to its end, with {} epochs.\n\
         kiln also exports the model, verifies it and draws the report.\n\n",
        run::Config::default().epochs
    );
    table(text, &["system", "seconds", "test accuracy"], &cells);
}

fn goals(text: &mut String, goals: &[Goal]) {
    let cells = goals.iter().map(|goal| {
        let reached = goal.measured.as_ref().ok();
        let seconds = reached.map(|reached| match reached.seconds {
            Some(seconds) => format!("{seconds:.1}"),
            None => "not reached".to_owned(),
        });
        let accuracy = reached.map(|reached| {
            let of = if reached.of_test { "test" } else { "validation" };
            format!("{:.2} % of {of}", reached.accuracy * 100.0)
        });
        vec![
            goal.name.to_owned(),
            first_cell(&goal.measured, seconds),
            reached.map_or(NONE.to_owned(), |reached| reached.epochs.to_string()),
            accuracy.unwrap_or(NONE.to_owned()),
        ]
    });
    let cells: Vec<_> = cells.collect();
    text.push_str(
        "\n## To 99 %\n\n\
         Seconds from the start of a process, loading included: of `fast` to its end, which must have 99 % of the test\n\
         pictures right; of the article's recipe to the end of the first epoch with 99 % of the validation pictures.\n\n",
    );
    table(text, &["system", "seconds", "epochs", "accuracy"], &cells);
}

/// Milliseconds a picture and, in brackets, the multiple of the baseline's.
fn inference(text: &mut String, rows: &[Inference], thread: usize, n_threads: usize) {
    let time = |row: &Inference, size| row.measured.as_ref().ok()?.milliseconds(thread, size);
    let baseline = rows.iter().find(|row| row.name == inference::BASELINE);
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let times = (0..BATCHES.len()).map(|size| {
                let own = time(row, size)?;
                let theirs = baseline.and_then(|row| time(row, size));
                let times = ratio(Some(own), theirs).map(|ratio| format!(" ({ratio:.2})"));
                Some(format!("{own:.4}{}", times.unwrap_or_default()))
            });
            let spread = row.measured.as_ref().ok().and_then(|answers| answers.spread(thread));
            let spread = spread.map(|part| format!("{:.0} %", part * 100.0));
            let mut cells = vec![row.name.to_owned()];
            cells.extend(times.chain([spread]).map(|cell| cell.unwrap_or(NONE.to_owned())));
            if row.measured.is_err() {
                cells[1] = GAP.to_owned();
            }
            cells
        })
        .collect();
    let threads =
        if n_threads == 1 { "1 thread".to_owned() } else { format!("{n_threads} threads") };
    let _ = write!(
        text,
        "\n## Inference, {threads}\n\n\
         Milliseconds a picture, and in brackets how many times those of {}.\n\
         The spread is the largest distance between two rounds, as a part of their median.\n\n",
        inference::BASELINE
    );
    let batches = BATCHES.map(|batch| format!("batch {batch}"));
    let head = ["system"].into_iter().chain(batches.iter().map(String::as_str));
    table(text, &head.chain(["spread"]).collect::<Vec<_>>(), &cells);
}

fn agreement(text: &mut String, rows: &[Inference]) {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let found = row.measured.as_ref().ok().map(|answers| answers.agreement);
            let same = found.map(|found| format!("{}/{}", found.same_class, found.n_images));
            let holds = found.map(|found| if found.holds() { "yes" } else { "**no**" });
            let difference = found.map(|found| format!("{:.1e}", found.largest_difference));
            vec![
                row.name.to_owned(),
                first_cell(&row.measured, same),
                difference.unwrap_or(NONE.to_owned()),
                holds.unwrap_or(NONE).to_owned(),
            ]
        })
        .collect();
    let _ = write!(
        text,
        "\n## Same answers\n\n\
         Every test picture, beside what tract as it comes says of it.\n\
         Systems agree where no class differs, and no probability by more than {TOLERANCE:.0e}.\n\n"
    );
    let head = ["system", "same class", "largest difference of a probability", "agrees"];
    table(text, &head, &cells);
}

fn gaps(text: &mut String, sitting: &Sitting) {
    let training =
        sitting.training.iter().map(|row| (row.name, "training", reason(&row.processes)));
    let pipeline = sitting.pipeline.iter().map(|row| (row.name, "pipeline", reason(&row.measured)));
    let inference =
        sitting.inference.iter().map(|row| (row.name, "inference", reason(&row.measured)));
    let goals = sitting.goals.iter().map(|row| (row.name, "to 99 %", reason(&row.measured)));
    let gaps: Vec<_> = training.chain(pipeline).chain(inference).chain(goals).collect();
    let gaps = gaps.iter().filter_map(|(name, what, reason)| Some((name, what, reason.as_ref()?)));
    let lines: String =
        gaps.map(|(name, what, reason)| format!("- {name}, {what}: {reason}\n")).collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n## Gaps\n\n{lines}");
    }
}

/// Why something was not measured, on one line.
fn reason<T>(measured: &Measured<T>) -> Option<String> {
    let words = |reason: &String| reason.split_whitespace().collect::<Vec<_>>().join(" ");
    measured.as_ref().err().map(words)
}

/// The cell that says so where a row was not measured.
fn first_cell<T>(measured: &Measured<T>, figure: Option<String>) -> String {
    let none = if measured.is_err() { GAP } else { NONE };
    figure.filter(|_| measured.is_ok()).unwrap_or(none.to_owned())
}

fn ratio(own: Option<f64>, baseline: Option<f64>) -> Option<f64> {
    Some(own? / baseline?)
}

/// Appends a Markdown table; a bar in a cell would end it.
fn table(text: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let mut row = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<_> = cells.map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    row(&mut head.iter().map(|cell| (*cell).to_owned()));
    row(&mut head.iter().map(|_| "---".to_owned()));
    for cells in rows {
        row(&mut cells.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::goal::Reached;
    use super::super::inference::{Agreement, Answers};
    use super::super::training::{Epoch, Pipeline, Whole};
    use super::*;

    fn trained(name: &'static str, epochs: &[(f64, f64)]) -> Training {
        let epoch = |&(val_loss, seconds): &(f64, f64)| Epoch { val_loss, seconds };
        Training { name, processes: Ok(vec![epochs.iter().map(epoch).collect()]) }
    }

    fn answered(name: &'static str, milliseconds: f64, same_class: usize) -> Inference {
        let agreement = Agreement { n_images: 100, same_class, largest_difference: 2e-7 };
        let times = || vec![milliseconds, milliseconds * 1.5, milliseconds];
        let rounds = std::array::from_fn(|_| std::array::from_fn(|_| times()));
        Inference { name, measured: Ok(Answers { rounds, agreement }) }
    }

    fn goal(name: &'static str, seconds: Option<f64>, accuracy: f64, of_test: bool) -> Goal {
        Goal { name, measured: Ok(Reached { seconds, epochs: 2, accuracy, of_test }) }
    }

    fn sitting() -> Sitting {
        Sitting {
            date: "2026-01-02".to_owned(),
            facts: vec![("processor", "a|b".to_owned())],
            training: vec![
                trained("kiln", &[(0.07, 33.0), (0.05, 30.0)]),
                trained("Keras", &[(0.06, 24.0), (0.05, 20.0)]),
                trained("Burn as it comes", &[(0.065, 96.0)]),
                Training { name: "PyTorch", processes: Err("no\n  torch".to_owned()) },
            ],
            pipeline: vec![Pipeline {
                name: "kiln",
                measured: Ok(Whole { seconds: 600.4, test_accuracy: 0.9918 }),
            }],
            goals: vec![goal("kiln", Some(9.87), 0.9911, true), goal("Keras", None, 0.9871, false)],
            inference: vec![
                answered("ONNX Runtime", 0.2, 100),
                answered("tract as it comes", 0.5, 100),
                answered("Burn as it comes", 1.0, 99),
            ],
        }
    }

    fn has(text: &str, line: &str) {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }

    #[test]
    fn rows_stand_beside_their_baseline() {
        let text = markdown(&sitting());
        assert!(text.starts_with("# kiln and its peers, 2026-01-02\n"));
        has(&text, "| processor | a\\|b |");
        has(&text, "| kiln | 30.0 | 33.0 | 1.50 | 0.0500 (epoch 2) | yes | 1 |");
        has(&text, "| Keras | 20.0 | 24.0 | 1.00 | 0.0500 (epoch 2) | yes | 1 |");
        has(&text, "| Burn as it comes | - | 96.0 | 4.00 (first) | 0.0650 (epoch 1) | yes | 1 |");
        has(&text, "| kiln | 600 | 99.18 % |");
        has(&text, "| kiln | 9.9 | 2 | 99.11 % of test |");
        has(&text, "| Keras | not reached | 2 | 98.71 % of validation |");
        let times = "0.5000 (2.50) | 0.5000 (2.50) | 0.5000 (2.50)";
        has(&text, &format!("| tract as it comes | {times} | 50 % |"));
        has(&text, "| tract as it comes | 100/100 | 2.0e-7 | yes |");
        has(&text, "| Burn as it comes | 99/100 | 2.0e-7 | **no** |");
    }

    #[test]
    fn a_gap_keeps_its_row_and_gives_its_reason() {
        let mut sitting = sitting();
        sitting.inference[0].measured = Err("no Python".to_owned());
        let text = markdown(&sitting);
        has(&text, "| PyTorch | gap | - | - | - | - | 0 |");
        has(&text, "- PyTorch, training: no torch");
        has(&text, "| ONNX Runtime | gap | - | - | - |");
        has(&text, "| ONNX Runtime | gap | - | - |");
        has(&text, "- ONNX Runtime, inference: no Python");
        has(&text, "| tract as it comes | 0.5000 | 0.5000 | 0.5000 | 50 % |");
    }

    #[test]
    fn what_disagrees_fails_and_what_is_missing_does_not() {
        let mut sitting = sitting();
        assert!(!sitting.agrees(), "a class differs");
        sitting.inference[2].measured = Err("gone".to_owned());
        assert!(sitting.agrees());
        sitting.training[2] = trained("Burn as it comes", &[(0.65, 96.0)]);
        assert!(!sitting.agrees(), "a loss differs");
    }
}
