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

/// What trains.
#[derive(Clone, Copy)]
enum Program {
    Kiln,
    /// kiln with Burn's own operations, for one epoch in all: it takes more than a minute, and one is enough to compare.
    StockBurn,
    Peer(Script),
}

const PROGRAMS: [(&str, Program); 4] = [
    ("kiln", Program::Kiln),
    (BASELINE, Program::Peer(KERAS)),
    ("PyTorch", Program::Peer(TORCH)),
    ("stock Burn", Program::StockBurn),
];

/// Trains every system for `epochs` epochs in turn, `rounds` times.
pub(crate) fn measure(systems: &Systems, rounds: usize, epochs: usize) -> Vec<Row<Training>> {
    if rounds == 0 {
        return Vec::new();
    }
    console::heading(&format!("Training: {rounds} rounds of {epochs} epochs"));
    let row = |(name, _)| Row { name, measured: Ok(Training { processes: Vec::new() }) };
    let mut rows = PROGRAMS.map(row);
    for round in 1..=rounds {
        for ((_, program), row) in PROGRAMS.iter().zip(&mut rows) {
            let Ok(training) = &mut row.measured else { continue };
            if matches!(program, Program::StockBurn) && round > 1 {
                continue;
            }
            match train(systems, *program, round, epochs) {
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
    rows.into()
}

/// The epochs of a fresh process.
fn train(systems: &Systems, program: Program, round: usize, epochs: usize) -> Measured<Vec<Epoch>> {
    let process: Vec<_> = match program {
        Program::Kiln => {
            kiln(systems, &format!("kiln-{round}"), &["--epochs", &epochs.to_string()])?
        }
        Program::StockBurn => kiln(systems, "stock-burn", &["--epochs", "1", "--burn-ops"])?,
        Program::Peer(script) => {
            let output = process::output(&mut systems.peer(script, epochs)?)?;
            let history = history::read(output.stdout.as_bytes()).collect::<Result<_, _>>();
            history.map_err(|error| format!("{} printed no history: {error}", script.file))?
        }
    };
    if process.is_empty() { Err("it finished no epoch".to_owned()) } else { Ok(process) }
}

fn kiln(systems: &Systems, run: &str, settings: &[&str]) -> Measured<Vec<Epoch>> {
    process::output(systems.kiln_training("train", run).args(settings))?;
    let rows = read_metrics(&systems.run(run)?.metrics()).map_err(|error| error.to_string())?;
    let epoch = |row: &EpochMetrics| {
        let (val_loss, val_accuracy) = row.val_loss.zip(row.val_accuracy)?;
        Some(Epoch { val_loss, val_accuracy, seconds: row.seconds })
    };
    Ok(rows.iter().filter_map(epoch).collect())
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
