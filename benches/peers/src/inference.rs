//! Milliseconds per image: every system with the same weights and images, in turn, round after round.

use anyhow::{Context, ensure};
use run::{Config, DatasetFacts, RunDirectory};
use serve_lite::Classifier;
use train::Checkpoint;

use crate::agreement::{Agreement, compare};
use crate::console;
use crate::engine::{Engine, TestImages, pools};
use crate::python::Python;
use crate::results::{Measured, Row, median};

/// Images per call, ascending.
pub(crate) const BATCHES: [usize; 3] = [1, 32, 256];
/// Threads that a call may use.
pub(crate) const THREADS: [usize; 2] = [1, 2];
/// The system to which the others' times are related.
pub(crate) const BASELINE: &str = "ONNX Runtime";

/// Times and answers of one system.
pub(crate) struct Inference {
    /// Milliseconds per image, the median of each round, at `[thread][batch]` of [`THREADS`] and [`BATCHES`].
    pub(crate) rounds: [[Vec<f64>; BATCHES.len()]; THREADS.len()],
    /// All test images, compared with stock tract.
    pub(crate) agreement: Agreement,
}

/// Measures all systems on the model of a run, which was trained on the images that `trained_on` describes.
///
/// Fails where the run was not exported, or where the images do not fill the largest batch.
pub(crate) fn measure(
    run: &RunDirectory,
    trained_on: &DatasetFacts,
    images: &TestImages,
    rounds: usize,
    python: &Measured<Python>,
) -> anyhow::Result<Vec<Row<Inference>>> {
    if rounds == 0 {
        return Ok(Vec::new());
    }
    let largest = BATCHES[BATCHES.len() - 1];
    ensure!(images.len() >= largest, "inference needs {largest} test images: raise --limit");
    let stock_tract = Classifier::load_with_tract_ops(&run.onnx())
        .context("export the run first, with `cargo xtask export-onnx`")?;
    let expected = stock_tract.classify(&images.pixels)?.probabilities;
    let n_classes = stock_tract.classes.len();

    let config = Config::read(&run.config())?;
    let burn = |burn_ops| {
        let checkpoint = Checkpoint::selected(run, &config, trained_on, &pipeline::device());
        let network = checkpoint.map_err(|error| error.to_string())?.network();
        Ok(Engine::Burn(Box::new(if burn_ops { network.with_burn_ops() } else { network })))
    };
    let tract = Classifier::load(&run.onnx()).map_err(|error| error.to_string());
    // The workers read the images from a file here, so the folder is dropped after them.
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut engines = [
        (BASELINE, Engine::onnx_runtime(python, &run.onnx(), images, folder.path())),
        ("stock tract", Ok(Engine::Tract(Box::new(stock_tract)))),
        ("tract with kiln's kernels", tract.map(|tract| Engine::Tract(Box::new(tract)))),
        ("stock Burn", burn(true)),
        ("Burn with kiln's kernels", burn(false)),
    ];

    console::heading(&format!("Parity: {} test images", images.len()));
    let mut rows = Vec::new();
    for (name, engine) in &mut engines {
        let probabilities = match engine {
            Ok(engine) => engine.probabilities(images, n_classes, folder.path()),
            Err(reason) => Err(reason.clone()),
        };
        let measured = probabilities.map(|probabilities| {
            let agreement = compare(&expected, &probabilities, n_classes);
            Inference { rounds: Default::default(), agreement }
        });
        rows.push(Row::print(name, measured, |Inference { agreement, .. }| {
            let Agreement { n_images, same_class, largest_difference } = agreement;
            format!(
                "same class {same_class}/{n_images}, largest difference {largest_difference:.1e}"
            )
        }));
    }
    time(&mut engines, &mut rows, images, rounds)?;
    Ok(rows)
}

/// Fills in the times of the rows, one for each engine.
fn time(
    engines: &mut [(&'static str, Measured<Engine>)],
    rows: &mut [Row<Inference>],
    images: &TestImages,
    rounds: usize,
) -> anyhow::Result<()> {
    let pools = pools()?;
    for round in 1..=rounds {
        console::line(&format!("inference, round {round}/{rounds}"));
        for thread in 0..THREADS.len() {
            for (size, &batch) in BATCHES.iter().enumerate() {
                for ((_, engine), row) in engines.iter_mut().zip(rows.iter_mut()) {
                    let (Ok(engine), Ok(found)) = (engine, &mut row.measured) else { continue };
                    match engine.milliseconds(images, batch, &pools, thread) {
                        Ok(time) => found.rounds[thread][size].push(time),
                        Err(reason) => {
                            console::notice(&format!("{}: {reason}", row.name));
                            row.measured = Err(reason);
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

impl Inference {
    /// Median milliseconds per image over the rounds.
    pub(crate) fn milliseconds(&self, thread: usize, size: usize) -> Option<f64> {
        median(self.rounds[thread][size].clone())
    }

    /// The largest difference between two rounds, as a fraction of the rounds' median; none of a single round.
    pub(crate) fn spread(&self, thread: usize) -> Option<f64> {
        let several = self.rounds[thread].iter().filter(|rounds| rounds.len() > 1);
        let spreads = several.filter_map(|rounds| {
            let highest = rounds.iter().copied().reduce(f64::max)?;
            let lowest = rounds.iter().copied().reduce(f64::min)?;
            Some((highest - lowest) / median(rounds.clone())?)
        });
        spreads.reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_become_a_median_and_the_largest_spread() {
        let mut found = Inference { rounds: Default::default(), agreement: compare(&[], &[], 1) };
        assert_eq!((found.milliseconds(0, 0), found.spread(0)), (None, None));
        found.rounds[1][1] = vec![7.0];
        assert_eq!((found.milliseconds(1, 1), found.spread(1)), (Some(7.0), None));
        found.rounds[1][0] = vec![1.0, 3.0, 2.0];
        found.rounds[1][2] = vec![4.0, 4.4, 4.0, 4.4];
        assert_eq!((found.milliseconds(1, 0), found.spread(1)), (Some(2.0), Some(1.0)));
        assert_eq!(found.milliseconds(1, 2).map(|time| time.round()), Some(4.0));
    }
}
