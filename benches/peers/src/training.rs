//! Training the same network by the same recipe: a fresh process a round, each system in turn.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use run::{Config, Evaluation, RunDirectory, read_json, read_metrics};

use super::python::{self, Python, TENSORFLOW};
use super::{Measured, median};
use crate::console;

/// By which factor a validation loss may lie from the systems' median at the same epoch. Weights,
/// orders and dropout masks differ: first epochs of this recipe scattered around 0.06 with a
/// standard deviation of 0.006, and four of those still catch a missing dropout, a wrong
/// normalisation or a wrong loss.
pub(super) const VAL_LOSS_FACTOR: f64 = 1.4;
/// The system that the others' times are given in multiples of.
pub(super) const BASELINE: &str = "Keras";

/// How one system trained.
pub(super) struct Training {
    pub(super) name: &'static str,
    /// One entry a process, each with its epochs in order; at least one of each.
    pub(super) processes: Measured<Vec<Vec<Epoch>>>,
}

/// One epoch: training and validation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Epoch {
    pub(super) val_loss: f64,
    pub(super) seconds: f64,
}

/// The whole way, from the start of the process to its end.
pub(super) struct Pipeline {
    pub(super) name: &'static str,
    pub(super) measured: Measured<Whole>,
}

/// What a whole way took and reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Whole {
    pub(super) seconds: f64,
    /// Part of the test pictures classified rightly, in [0, 1].
    pub(super) test_accuracy: f64,
}

/// What all systems are given.
pub(super) struct Bench<'a> {
    /// A temporary folder that holds the pictures as IDX files, and kiln's runs.
    pub(super) folder: &'a Path,
    /// The same pictures, as kiln's `--data` names them.
    pub(super) source: &'a str,
    pub(super) limit: usize,
    pub(super) python: &'a Measured<Python>,
}

/// A system that trains.
struct Trainer {
    name: &'static str,
    program: Program,
    /// Rounds and epochs it takes part in at most.
    most: Option<(usize, usize)>,
}

enum Program {
    /// `cargo xtask`, with Burn's own operations or with kiln's kernels.
    Kiln {
        burn_ops: bool,
    },
    Peer(Script),
}

/// A script in `benches/peers`, and the packages that it imports.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) file: &'static str,
    packages: &'static [&'static str],
}

pub(super) const KERAS: Script =
    Script { file: "keras_train.py", packages: &["keras", TENSORFLOW] };
pub(super) const TORCH: Script = Script { file: "torch_train.py", packages: &["torch"] };

impl Bench<'_> {
    /// Every system for `epochs` epochs in a fresh process, in turn, `rounds` times.
    pub(super) fn epochs(&self, rounds: usize, epochs: usize) -> Vec<Training> {
        let trainer = |name, program| Trainer { name, program, most: None };
        let trainers = [
            trainer("kiln", Program::Kiln { burn_ops: false }),
            trainer("Keras", Program::Peer(KERAS)),
            trainer("PyTorch", Program::Peer(TORCH)),
            // Its epochs take a minute and more, and one tells what there is to tell.
            Trainer {
                name: "Burn as it comes",
                program: Program::Kiln { burn_ops: true },
                most: Some((1, 1)),
            },
        ];
        if rounds == 0 {
            return Vec::new();
        }
        console::heading(&format!("Training: {rounds} rounds of {epochs} epochs"));
        let mut rows = trainers
            .iter()
            .map(|trainer| Training { name: trainer.name, processes: Ok(Vec::new()) })
            .collect::<Vec<_>>();
        for round in 1..=rounds {
            for (trainer, row) in trainers.iter().zip(&mut rows) {
                let (most_rounds, most_epochs) = trainer.most.unwrap_or((rounds, epochs));
                let Ok(processes) = &mut row.processes else { continue };
                if round > most_rounds {
                    continue;
                }
                match self.train(trainer, round, epochs.min(most_epochs)) {
                    Ok(process) => {
                        let told = process.iter().map(|epoch| format!("{:.1} s", epoch.seconds));
                        let told = told.collect::<Vec<_>>().join(", ");
                        console::line(&format!("round {round}/{rounds}  {}: {told}", row.name));
                        processes.push(process);
                    }
                    Err(reason) => {
                        console::notice(&format!("{}: {reason}", row.name));
                        row.processes = Err(reason);
                    }
                }
            }
        }
        rows
    }

    /// The whole pipeline, and the tutorial's program with as many epochs.
    pub(super) fn pipelines(&self) -> Vec<Pipeline> {
        let epochs = Config::default().epochs;
        console::heading(&format!("Pipeline: {epochs} epochs, from start to end"));
        let measure = |name, measured: Measured<Whole>| {
            match &measured {
                Ok(whole) => console::line(&format!("{name}: {:.0} s", whole.seconds)),
                Err(reason) => console::notice(&format!("{name}: {reason}")),
            }
            Pipeline { name, measured }
        };
        vec![
            measure("kiln", self.kiln_pipeline(epochs)),
            measure("Keras", self.keras_pipeline(epochs)),
        ]
    }

    fn train(&self, trainer: &Trainer, round: usize, epochs: usize) -> Measured<Vec<Epoch>> {
        let process = match trainer.program {
            Program::Kiln { burn_ops } => {
                let kind = if burn_ops { "burn" } else { "kiln" };
                let mut command = self.kiln("train", &format!("{kind}-{round}"))?;
                command.args(["--epochs", &epochs.to_string()]);
                if burn_ops {
                    command.arg("--burn-ops");
                }
                python::output(&mut command)?;
                let run = self.run(&format!("{kind}-{round}"))?;
                let rows = read_metrics(&run.metrics()).map_err(|error| error.to_string())?;
                let epoch = |row: &run::EpochMetrics| {
                    row.val_loss.map(|val_loss| Epoch { val_loss, seconds: row.seconds })
                };
                rows.iter().filter_map(epoch).collect()
            }
            Program::Peer(script) => {
                let said = python::output(&mut self.script(script, epochs)?)?;
                history(&said.stdout)
                    .ok_or_else(|| format!("{} printed no history", script.file))?
            }
        };
        if process.is_empty() { Err("it finished no epoch".to_owned()) } else { Ok(process) }
    }

    fn kiln_pipeline(&self, epochs: usize) -> Measured<Whole> {
        let mut command = self.kiln("pipeline", "pipeline")?;
        command.args(["--epochs", &epochs.to_string()]);
        let start = Instant::now();
        python::output(&mut command)?;
        let seconds = start.elapsed().as_secs_f64();
        let evaluation: Evaluation =
            read_json(&self.run("pipeline")?.evaluation()).map_err(|error| error.to_string())?;
        Ok(Whole { seconds, test_accuracy: evaluation.accuracy })
    }

    fn keras_pipeline(&self, epochs: usize) -> Measured<Whole> {
        let mut command = self.script(KERAS, epochs)?;
        let start = Instant::now();
        let said = python::output(&mut command)?;
        let seconds = start.elapsed().as_secs_f64();
        let test_accuracy = test_accuracy(&said.stderr)
            .ok_or_else(|| format!("{} printed no accuracy", KERAS.file))?;
        Ok(Whole { seconds, test_accuracy })
    }

    /// This very program, on the pictures that are at hand already.
    pub(super) fn kiln(&self, command: &str, run: &str) -> Measured<Command> {
        let mut kiln = self.command(&[command, "--run", run])?;
        kiln.args(["--data", self.source, "--offline"]);
        // All pictures is the default, and a recipe may have a limit of its own.
        if self.limit > 0 {
            kiln.args(["--limit", &self.limit.to_string()]);
        }
        Ok(kiln)
    }

    /// This very program, on the runs of this sitting.
    pub(super) fn command(&self, arguments: &[&str]) -> Measured<Command> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut kiln = Command::new(program);
        kiln.args(arguments).arg("--runs").arg(self.runs());
        Ok(kiln)
    }

    pub(super) fn script(&self, script: Script, epochs: usize) -> Measured<Command> {
        let python = self.python.as_ref().map_err(Clone::clone)?;
        python.require(script.packages)?;
        let mut command = python.script(script.file);
        command.arg(self.folder).args([epochs.to_string(), self.limit.to_string()]);
        Ok(command)
    }

    pub(super) fn run(&self, name: &str) -> Measured<RunDirectory> {
        RunDirectory::open(&self.runs(), Some(name)).map_err(|error| error.to_string())
    }

    fn runs(&self) -> std::path::PathBuf {
        self.folder.join("runs")
    }
}

impl Training {
    /// Median seconds of the processes' first epochs, which also warm up.
    pub(super) fn first_seconds(&self) -> Option<f64> {
        median(&self.seconds(|index| index == 0))
    }

    /// Median seconds of all later epochs.
    pub(super) fn later_seconds(&self) -> Option<f64> {
        median(&self.seconds(|index| index > 0))
    }

    /// The last epoch that all processes made, counted from 1.
    pub(super) fn last_epoch(&self) -> Option<usize> {
        self.processes.as_ref().ok()?.iter().map(Vec::len).min().filter(|&last| last > 0)
    }

    /// Median validation loss after an epoch, counted from 1.
    pub(super) fn val_loss(&self, epoch: usize) -> Option<f64> {
        let processes = self.processes.as_ref().ok()?.iter();
        let losses = processes.filter_map(|process| process.get(epoch - 1).map(|row| row.val_loss));
        median(&losses.collect::<Vec<_>>())
    }

    fn seconds(&self, wanted: impl Fn(usize) -> bool) -> Vec<f64> {
        let processes = self.processes.iter().flatten();
        let epochs = processes.flat_map(|process| process.iter().enumerate());
        epochs.filter(|(index, _)| wanted(*index)).map(|(_, epoch)| epoch.seconds).collect()
    }
}

/// Whether a system's last validation loss is that of all systems at the same epoch; none where it
/// has none or is alone.
pub(super) fn agrees(row: &Training, rows: &[Training]) -> Option<bool> {
    let epoch = row.last_epoch()?;
    let losses: Vec<_> = rows.iter().filter_map(|row| row.val_loss(epoch)).collect();
    let ratio = row.val_loss(epoch)? / median(&losses).filter(|_| losses.len() > 1)?;
    Some((1.0 / VAL_LOSS_FACTOR..=VAL_LOSS_FACTOR).contains(&ratio))
}

/// The epochs in a history with Keras's column names.
fn history(text: &str) -> Option<Vec<Epoch>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("epoch,"));
    let columns: Vec<_> = lines.next()?.split(',').collect();
    let index = |name: &str| columns.iter().position(|column| *column == name);
    let (val_loss, seconds) = (index("val_loss")?, index("seconds")?);
    let row = |line: &str| {
        let cells: Vec<_> = line.split(',').collect();
        let number = |index: usize| cells.get(index)?.trim().parse().ok();
        Some(Epoch { val_loss: number(val_loss)?, seconds: number(seconds)? })
    };
    lines.map(row).collect()
}

/// The figure after `test_accuracy=`.
fn test_accuracy(text: &str) -> Option<f64> {
    text.split_once("test_accuracy=")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(processes: &[&[(f64, f64)]]) -> Training {
        let epoch = |&(val_loss, seconds): &(f64, f64)| Epoch { val_loss, seconds };
        let processes = processes.iter().map(|process| process.iter().map(epoch).collect());
        Training { name: "", processes: Ok(processes.collect()) }
    }

    #[test]
    fn first_epochs_are_kept_apart_from_later_ones() {
        let row = row(&[&[(0.5, 30.0), (0.4, 20.0)], &[(0.3, 34.0), (0.2, 22.0)]]);
        assert_eq!((row.first_seconds(), row.later_seconds()), (Some(32.0), Some(21.0)));
        assert_eq!((row.last_epoch(), row.val_loss(1)), (Some(2), Some(0.4)));
        let failed = Training { name: "", processes: Err("why".to_owned()) };
        assert_eq!((failed.first_seconds(), failed.last_epoch()), (None, None));
    }

    #[test]
    fn losses_are_compared_at_the_same_epoch() {
        let two = |last| row(&[&[(0.08, 1.0), (last, 1.0)]]);
        let one = row(&[&[(0.08, 1.0)]]);
        let rows = [two(0.05), two(0.055), two(0.09), one];
        let found: Vec<_> = rows.iter().map(|row| agrees(row, &rows)).collect();
        assert_eq!(found, [Some(true), Some(true), Some(false), Some(true)]);
        let alone = [two(0.05)];
        assert_eq!(agrees(&alone[0], &alone), None);
        let broken = [two(0.05), two(0.05), two(f64::NAN)];
        assert_eq!(agrees(&broken[2], &broken), Some(false));
    }

    #[test]
    fn a_history_is_read_by_its_column_names() {
        let text = "noise\nepoch,loss,val_loss,accuracy,seconds\n1,9,0.25,9,3.5\n2,9,0.125,9,3\n";
        let epoch = |val_loss, seconds| Epoch { val_loss, seconds };
        assert_eq!(history(text).unwrap(), [epoch(0.25, 3.5), epoch(0.125, 3.0)]);
        assert_eq!(history("epoch,loss\n1,2\n"), None);
        assert_eq!(history("epoch,val_loss,seconds\n1,x,2\n"), None);
        assert_eq!(test_accuracy("a\ntest_loss=0.03 test_accuracy=0.9917\n"), Some(0.9917));
        assert_eq!(test_accuracy("test_loss=0.03"), None);
    }
}
