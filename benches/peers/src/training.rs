//! Seconds per epoch: the same network and recipe in every system, in a fresh process each round.

use run::{EpochMetrics, read_metrics};

use crate::console;
use crate::history::{self, Epoch};
use crate::process;
use crate::results::{Measured, Row, median};
use crate::systems::{KERAS, Script, Systems, TORCH};

/// The factor by which a validation loss may differ from the median of all systems after the same epoch. Weights, orders
/// and dropout masks differ: first epochs of this recipe scattered around 0.06 with a standard deviation of 0.006. Four
/// of those still reveal a missing dropout, a wrong normalisation or a wrong loss.
pub(crate) const VAL_LOSS_FACTOR: f64 = 1.4;
/// The system to which the others' times are related.
pub(crate) const BASELINE: &str = "Keras";

/// How one system trained.
pub(crate) struct Training {
    /// The epochs of each process, in order; at least one of each.
    pub(crate) processes: Vec<Vec<Epoch>>,
}

/// A system that trains.
struct Trainer {
    name: &'static str,
    program: Program,
    /// Rounds in which it takes part, and its epochs in each.
    rounds: usize,
    epochs: usize,
}

enum Program {
    /// kiln, with its own kernels or with Burn's operations.
    Kiln {
        burn_ops: bool,
    },
    Peer(Script),
}

/// Trains every system for `epochs` epochs in turn, `rounds` times.
pub(crate) fn measure(systems: &Systems, rounds: usize, epochs: usize) -> Vec<Row<Training>> {
    if rounds == 0 {
        return Vec::new();
    }
    let trainer = |name, program| Trainer { name, program, rounds, epochs };
    let trainers = [
        trainer("kiln", Program::Kiln { burn_ops: false }),
        trainer("Keras", Program::Peer(KERAS)),
        trainer("PyTorch", Program::Peer(TORCH)),
        // An epoch takes more than a minute, and one is enough to compare.
        Trainer { rounds: 1, epochs: 1, ..trainer("stock Burn", Program::Kiln { burn_ops: true }) },
    ];
    console::heading(&format!("Training: {rounds} rounds of {epochs} epochs"));
    let row = |trainer: &Trainer| Row {
        name: trainer.name,
        measured: Ok(Training { processes: Vec::new() }),
    };
    let mut rows: Vec<_> = trainers.iter().map(row).collect();
    for round in 1..=rounds {
        for (trainer, row) in trainers.iter().zip(&mut rows) {
            let Ok(training) = &mut row.measured else { continue };
            if round > trainer.rounds {
                continue;
            }
            match train(systems, trainer, round) {
                Ok(process) => {
                    let seconds = process.iter().map(|epoch| format!("{:.1} s", epoch.seconds));
                    let seconds = seconds.collect::<Vec<_>>().join(", ");
                    console::line(&format!("round {round}/{rounds}  {}: {seconds}", row.name));
                    training.processes.push(process);
                }
                Err(reason) => {
                    console::notice(&format!("{}: {reason}", row.name));
                    row.measured = Err(reason);
                }
            }
        }
    }
    rows
}

/// The epochs of a fresh process.
fn train(systems: &Systems, trainer: &Trainer, round: usize) -> Measured<Vec<Epoch>> {
    let epochs = trainer.epochs;
    let process: Vec<_> = match trainer.program {
        Program::Kiln { burn_ops } => {
            let run = format!("{}-{round}", if burn_ops { "burn" } else { "kiln" });
            let mut command = systems.kiln_training("train", &run);
            command.args(["--epochs", &epochs.to_string()]);
            if burn_ops {
                command.arg("--burn-ops");
            }
            process::output(&mut command)?;
            let rows = read_metrics(&systems.run(&run)?.metrics()).map_err(|e| e.to_string())?;
            rows.iter().filter_map(epoch).collect()
        }
        Program::Peer(script) => {
            let output = process::output(&mut systems.peer(script, epochs)?)?;
            let history = history::read(output.stdout.as_bytes()).collect::<Result<_, _>>();
            history.map_err(|error| format!("{} printed no history: {error}", script.file))?
        }
    };
    if process.is_empty() { Err("it finished no epoch".to_owned()) } else { Ok(process) }
}

fn epoch(row: &EpochMetrics) -> Option<Epoch> {
    let (val_loss, val_accuracy) = row.val_loss.zip(row.val_accuracy)?;
    Some(Epoch { val_loss, val_accuracy, seconds: row.seconds })
}

impl Training {
    /// Median seconds of the processes' first epochs, which include warm-up.
    pub(crate) fn first_seconds(&self) -> Option<f64> {
        median(self.seconds(|index| index == 0))
    }

    /// Median seconds of all later epochs.
    pub(crate) fn later_seconds(&self) -> Option<f64> {
        median(self.seconds(|index| index > 0))
    }

    /// The last epoch that all processes finished, counted from 1.
    pub(crate) fn last_epoch(&self) -> Option<usize> {
        self.processes.iter().map(Vec::len).min().filter(|&last| last > 0)
    }

    /// Median validation loss after an epoch, counted from 1.
    pub(crate) fn val_loss(&self, epoch: usize) -> Option<f64> {
        let epochs = self.processes.iter().filter_map(|process| process.get(epoch - 1));
        median(epochs.map(|epoch| epoch.val_loss).collect())
    }

    fn seconds(&self, wanted: impl Fn(usize) -> bool) -> Vec<f64> {
        let epochs = self.processes.iter().flat_map(|process| process.iter().enumerate());
        epochs.filter(|(index, _)| wanted(*index)).map(|(_, epoch)| epoch.seconds).collect()
    }
}

/// Whether the last validation loss of `row` agrees with that of all systems after the same epoch; none where there is
/// no loss, or no other system to compare with.
pub(crate) fn agrees(row: &Row<Training>, rows: &[Row<Training>]) -> Option<bool> {
    let epoch = row.figure(Training::last_epoch)?;
    let loss = |row: &Row<Training>| row.figure(|training| training.val_loss(epoch));
    let losses: Vec<_> = rows.iter().filter_map(loss).collect();
    if losses.len() < 2 {
        return None;
    }
    let ratio = loss(row)? / median(losses)?;
    Some((1.0 / VAL_LOSS_FACTOR..=VAL_LOSS_FACTOR).contains(&ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn training(processes: &[&[(f64, f64)]]) -> Training {
        let epoch =
            |&(val_loss, seconds): &(f64, f64)| Epoch { val_loss, val_accuracy: 0.9, seconds };
        let processes = processes.iter().map(|process| process.iter().map(epoch).collect());
        Training { processes: processes.collect() }
    }

    #[test]
    fn first_epochs_are_kept_apart_from_later_ones() {
        let training = training(&[&[(0.5, 30.0), (0.4, 20.0)], &[(0.3, 34.0), (0.2, 22.0)]]);
        assert_eq!((training.first_seconds(), training.later_seconds()), (Some(32.0), Some(21.0)));
        assert_eq!((training.last_epoch(), training.val_loss(1)), (Some(2), Some(0.4)));
        let none = Training { processes: Vec::new() };
        assert_eq!((none.first_seconds(), none.last_epoch()), (None, None));
    }

    #[test]
    fn losses_are_compared_after_the_same_epoch() {
        let row = |epochs: &[(f64, f64)]| Row { name: "", measured: Ok(training(&[epochs])) };
        let two = |last| row(&[(0.08, 1.0), (last, 1.0)]);
        let rows = [two(0.05), two(0.055), two(0.09), row(&[(0.08, 1.0)])];
        let found: Vec<_> = rows.iter().map(|row| agrees(row, &rows)).collect();
        assert_eq!(found, [Some(true), Some(true), Some(false), Some(true)]);
        let alone = [two(0.05)];
        assert_eq!(agrees(&alone[0], &alone), None);
        let diverged = [two(0.05), two(0.05), two(f64::NAN)];
        assert_eq!(agrees(&diverged[2], &diverged), Some(false));
    }
}
