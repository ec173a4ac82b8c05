//! How long every system takes to a network that is right in 99 of 100 cases, from the start of its process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use run::{Config, EpochMetrics, Evaluation, read_json, read_metrics};

use super::Measured;
use super::python;
use super::training::{Bench, KERAS, Script, TORCH};
use crate::console;
use crate::goal::{self, GOAL};

/// How one system came to the goal, or did not.
pub(super) struct Goal {
    pub(super) name: &'static str,
    pub(super) measured: Measured<Reached>,
}

/// When, and by what pictures that was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reached {
    /// Wall time from the start of the process, loading included; none where the goal was not reached.
    pub(super) seconds: Option<f64>,
    /// Epochs made by then, or in all.
    pub(super) epochs: usize,
    /// Accuracy then, in [0, 1]: of the validation pictures, or where `of_test` of the test pictures.
    pub(super) accuracy: f64,
    pub(super) of_test: bool,
}

impl Bench<'_> {
    /// kiln's recipe for speed, whose network is finished when its process ends; then the article's recipe in every
    /// system, to the end of the first epoch that validates the goal.
    pub(super) fn goals(&self) -> Vec<Goal> {
        console::heading("To 99 %: from the start of a process");
        let measure = |name, measured: Measured<Reached>| {
            match &measured {
                Ok(Reached { seconds: Some(seconds), .. }) => {
                    console::line(&format!("{name}: {seconds:.1} s"));
                }
                Ok(_) => console::line(&format!("{name}: not reached")),
                Err(reason) => console::notice(&format!("{name}: {reason}")),
            }
            Goal { name, measured }
        };
        vec![
            measure("kiln, recipe `fast`", self.fast()),
            measure("kiln, recipe `article`", self.article()),
            measure("Keras, the article's recipe", self.peer(KERAS)),
            measure("PyTorch, the article's recipe", self.peer(TORCH)),
        ]
    }

    fn fast(&self) -> Measured<Reached> {
        let mut command = self.kiln("train", "fast")?;
        let start = Instant::now();
        python::output(command.args(["--recipe", "fast"]))?;
        let seconds = start.elapsed().as_secs_f64();
        python::output(&mut self.command(&["evaluate", "--run", "fast", "--offline"])?)?;
        let run = self.run("fast")?;
        let words = |error: run::Error| error.to_string();
        let evaluation: Evaluation = read_json(&run.evaluation()).map_err(words)?;
        let accuracy = evaluation.accuracy;
        let seconds = (accuracy >= GOAL).then_some(seconds);
        Ok(Reached { seconds, epochs: evaluation.epoch, accuracy, of_test: true })
    }

    fn article(&self) -> Measured<Reached> {
        let mut command = self.kiln("train", "article")?;
        let start = Instant::now();
        python::output(command.args(["--recipe", "article"]))?;
        let whole = start.elapsed().as_secs_f64();
        let rows = read_metrics(&self.run("article")?.metrics()).map_err(|e| e.to_string())?;
        let reached = goal::reached(&rows, whole);
        let epochs = reached.map_or(rows.len(), |(epoch, _)| epoch);
        let accuracy = |row: &EpochMetrics| row.val_accuracy;
        let accuracy = rows[..epochs].last().and_then(accuracy).unwrap_or_default();
        let seconds = reached.map(|(_, seconds)| seconds);
        Ok(Reached { seconds, epochs, accuracy, of_test: false })
    }

    /// A peer is stopped at the end of the epoch in which it reaches the goal.
    fn peer(&self, script: Script) -> Measured<Reached> {
        let mut command = self.script(script, Config::default().epochs)?;
        let start = Instant::now();
        first_to_goal(command.stderr(Stdio::null()), start)
            .ok_or_else(|| format!("{} printed no history", script.file))
    }
}

/// Reads the rows of a history as they come; none where there are none.
fn first_to_goal(command: &mut Command, start: Instant) -> Option<Reached> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().ok()?;
    let lines = BufReader::new(child.stdout.take()?).lines().map_while(Result::ok);
    let reached = first_of(lines, || start.elapsed().as_secs_f64());
    let _ = child.kill();
    let _ = child.wait();
    reached
}

/// The first row at the goal, at the time it came, else the last row.
fn first_of(lines: impl Iterator<Item = String>, now: impl Fn() -> f64) -> Option<Reached> {
    let mut lines = lines.skip_while(|line| !line.starts_with("epoch,"));
    let head = lines.next()?;
    let column = head.split(',').position(|name| name == "val_accuracy")?;
    let mut last = None;
    for (line, epochs) in lines.zip(1..) {
        let Some(Ok(accuracy)) = line.split(',').nth(column).map(str::parse::<f64>) else { break };
        let seconds = (accuracy >= GOAL).then(&now);
        last = Some(Reached { seconds, epochs, accuracy, of_test: false });
        if seconds.is_some() {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_epoch_at_the_goal_ends_the_clock() {
        let history = "noise\nepoch,loss,val_accuracy\n1,0.2,0.981\n2,0.1,0.9901\n3,0.1,0.995\n";
        let found = first_of(history.lines().map(str::to_owned), || 7.5);
        let expected = Reached { seconds: Some(7.5), epochs: 2, accuracy: 0.9901, of_test: false };
        assert_eq!(found, Some(expected));
        let short = "epoch,loss,val_accuracy\n1,0.2,0.981\n2,0.1,0.985\n";
        let found = first_of(short.lines().map(str::to_owned), || 7.5);
        assert_eq!(found.map(|reached| (reached.seconds, reached.epochs)), Some((None, 2)));
        assert_eq!(first_of(["noise".to_owned()].into_iter(), || 0.0), None);
    }
}
