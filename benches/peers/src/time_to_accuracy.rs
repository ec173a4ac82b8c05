//! Time to 99 % accuracy, from the start of the process.

use std::process::Stdio;
use std::time::Instant;

use pipeline::GOAL;
use run::{Config, read_metrics};

use crate::console;
use crate::history::{self, Epoch};
use crate::process;
use crate::results::{Measured, Row};
use crate::systems::{KERAS, Script, Systems, TORCH};

/// When a system reached [`GOAL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeToAccuracy {
    /// Wall time from the start of the process, loading included; none where the goal was not reached.
    pub(crate) seconds: Option<f64>,
    /// Epochs until then, or all.
    pub(crate) epochs: usize,
    /// Accuracy after those epochs, in [0, 1].
    pub(crate) accuracy: f64,
    /// The images of that accuracy: `test` or `validation`.
    pub(crate) part: &'static str,
}

impl TimeToAccuracy {
    /// The seconds, as text.
    pub(crate) fn text(&self) -> String {
        self.seconds.map_or("not reached".to_owned(), |seconds| format!("{seconds:.1}"))
    }
}

/// Measures kiln's recipe `fast` to the end of its process, and the article's recipe in every system to the end of the
/// first epoch whose validation accuracy reaches the goal.
pub(crate) fn measure(systems: &Systems) -> Vec<Row<TimeToAccuracy>> {
    console::heading("Time to 99 % accuracy");
    vec![
        Row::print("kiln, recipe `fast`", fast(systems), TimeToAccuracy::text),
        Row::print("kiln, the article's recipe", article(systems), TimeToAccuracy::text),
        Row::print("Keras, the article's recipe", peer(systems, KERAS), TimeToAccuracy::text),
        Row::print("PyTorch, the article's recipe", peer(systems, TORCH), TimeToAccuracy::text),
    ]
}

fn fast(systems: &Systems) -> Measured<TimeToAccuracy> {
    let mut command = systems.kiln_training("train", "fast");
    let start = Instant::now();
    process::output(command.args(["--recipe", "fast"]))?;
    let seconds = start.elapsed().as_secs_f64();
    process::output(&mut systems.kiln("evaluate", "fast"))?;
    let evaluation = systems.evaluation("fast")?;
    let accuracy = evaluation.accuracy;
    let seconds = (accuracy >= GOAL).then_some(seconds);
    Ok(TimeToAccuracy { seconds, epochs: evaluation.epoch, accuracy, part: "test" })
}

fn article(systems: &Systems) -> Measured<TimeToAccuracy> {
    let mut command = systems.kiln_training("train", "article");
    let start = Instant::now();
    process::output(command.args(["--recipe", "article"]))?;
    let process_seconds = start.elapsed().as_secs_f64();
    let rows = read_metrics(&systems.run("article")?.metrics()).map_err(|e| e.to_string())?;
    let (epochs, seconds) = pipeline::seconds_to_goal(&rows, process_seconds)
        .map_or((rows.len(), None), |(epoch, seconds)| (epoch, Some(seconds)));
    let accuracy = rows[..epochs].last().and_then(|row| row.val_accuracy).unwrap_or_default();
    Ok(TimeToAccuracy { seconds, epochs, accuracy, part: "validation" })
}

/// A peer is stopped at the end of the epoch in which it reaches the goal.
fn peer(systems: &Systems, script: Script) -> Measured<TimeToAccuracy> {
    let mut command = systems.peer(script, Config::default().training.epochs)?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let epochs = child.stdout.take().into_iter().flat_map(history::read).map_while(Result::ok);
    let reached = first_at_goal(epochs, || start.elapsed().as_secs_f64());
    let _ = child.kill();
    let _ = child.wait();
    reached.ok_or_else(|| format!("{} printed no history", script.file))
}

/// The first epoch at the goal, and the time when it was reported; else the last epoch.
fn first_at_goal(
    epochs: impl Iterator<Item = Epoch>,
    now: impl Fn() -> f64,
) -> Option<TimeToAccuracy> {
    let mut last = None;
    for (epoch, epochs) in epochs.zip(1..) {
        let accuracy = epoch.val_accuracy;
        let seconds = (accuracy >= GOAL).then(&now);
        last = Some(TimeToAccuracy { seconds, epochs, accuracy, part: "validation" });
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
    fn the_first_epoch_at_the_goal_stops_the_clock() {
        let first = |accuracies: &[f64]| {
            let epoch = |&val_accuracy| Epoch { val_loss: 0.1, val_accuracy, seconds: 1.0 };
            first_at_goal(accuracies.iter().map(epoch), || 7.5)
        };
        let expected =
            TimeToAccuracy { seconds: Some(7.5), epochs: 2, accuracy: 0.9901, part: "validation" };
        assert_eq!(first(&[0.981, 0.9901, 0.995]), Some(expected));
        let not_reached = first(&[0.981, 0.985]).map(|reached| (reached.seconds, reached.epochs));
        assert_eq!(not_reached, Some((None, 2)));
        assert_eq!(first(&[]), None);
    }
}
