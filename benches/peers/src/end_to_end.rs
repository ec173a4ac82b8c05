//! From images to a trained network: `kiln pipeline` beside the tutorial in Keras.

use std::time::Instant;

use run::Config;

use crate::console;
use crate::process;
use crate::results::{Measured, Row};
use crate::systems::{KERAS, Systems};

/// One process from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EndToEnd {
    /// Wall time of the process.
    pub(crate) seconds: f64,
    /// Fraction of the test images classified correctly, in [0, 1].
    pub(crate) test_accuracy: f64,
}

/// Measures both with as many epochs as kiln trains by default.
pub(crate) fn measure(systems: &Systems) -> Vec<Row<EndToEnd>> {
    let epochs = Config::default().training.epochs;
    console::heading(&format!("End to end: {epochs} epochs"));
    let text = |found: &EndToEnd| format!("{:.0} s", found.seconds);
    vec![
        Row::print("kiln", kiln(systems, epochs), text),
        Row::print("Keras", keras(systems, epochs), text),
    ]
}

fn kiln(systems: &Systems, epochs: usize) -> Measured<EndToEnd> {
    let mut command = systems.kiln_training("pipeline", "pipeline");
    let start = Instant::now();
    process::output(command.args(["--epochs", &epochs.to_string()]))?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(EndToEnd { seconds, test_accuracy: systems.evaluation("pipeline")?.accuracy })
}

fn keras(systems: &Systems, epochs: usize) -> Measured<EndToEnd> {
    let mut command = systems.peer(KERAS, epochs)?;
    let start = Instant::now();
    let output = process::output(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    let test_accuracy = test_accuracy(&output.stderr)
        .ok_or_else(|| format!("{} printed no test accuracy", KERAS.file))?;
    Ok(EndToEnd { seconds, test_accuracy })
}

/// The number after `test_accuracy=`.
fn test_accuracy(text: &str) -> Option<f64> {
    text.split_once("test_accuracy=")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_accuracy_is_found_by_its_name() {
        assert_eq!(test_accuracy("a\ntest_loss=0.03 test_accuracy=0.9917\n"), Some(0.9917));
        assert_eq!(test_accuracy("test_loss=0.03"), None);
    }
}
