//! Inference with the same weights on the same pictures: every system in turn, a short while each,
//! again and again.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use dataset::PIXELS;
use model::{Network, NetworkConfig};
use rayon::{ThreadPool, ThreadPoolBuilder};
use run::{Config, DatasetFacts, RunDirectory};
use serve_lite::Classifier;
use train::Checkpoint;

use super::python::{Python, Worker};
use super::{Measured, median};
use crate::cli::BenchPeersArgs;
use crate::{console, session, verify};

/// Pictures a call.
pub(super) const BATCHES: [usize; 3] = [1, 32, 256];
/// Threads a call may use.
pub(super) const THREADS: [usize; 2] = [1, 2];
/// The system that the others' times are given in multiples of.
pub(super) const BASELINE: &str = "ONNX Runtime";
/// How long a system is measured before it is the next one's turn: long enough for a median of five
/// of the slowest calls, short enough that what slows the machine down slows all of them.
const TURN: Duration = Duration::from_secs(1);
/// Calls a turn has at least.
const MIN_CALLS: usize = 5;

/// How one system answered.
pub(super) struct Inference {
    pub(super) name: &'static str,
    pub(super) measured: Measured<Answers>,
}

/// Times and answers of one system.
pub(super) struct Answers {
    /// Milliseconds a picture, a median for each round, at `[thread][batch]` of [`THREADS`] and
    /// [`BATCHES`].
    pub(super) rounds: [[Vec<f64>; BATCHES.len()]; THREADS.len()],
    pub(super) agreement: Agreement,
}

/// How a system answered all test pictures, beside tract as it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Agreement {
    pub(super) n_images: usize,
    /// Pictures that both put into the same class.
    pub(super) same_class: usize,
    /// Largest difference of a probability; 1 where one is not a number.
    pub(super) largest_difference: f64,
}

/// What classifies.
enum Engine {
    Tract(Box<Classifier>),
    Burn(Box<Network>),
    /// A worker for each of [`THREADS`]; the one that is not asked sleeps.
    OnnxRuntime(Vec<Worker>),
}

/// Measures all systems on the run's model and on `pixels`, `n * 784` grey levels.
pub(super) fn measure(
    run: &RunDirectory,
    facts: &DatasetFacts,
    pixels: &[u8],
    args: &BenchPeersArgs,
    python: &Measured<Python>,
) -> anyhow::Result<Vec<Inference>> {
    let most = BATCHES.into_iter().max().unwrap_or(1);
    ensure!(pixels.len() >= most * PIXELS, "inference needs {most} test pictures: raise --limit");
    let reference = Classifier::load_with_tract_ops(&run.onnx())
        .context("export the run first, with `cargo xtask export-onnx`")?;
    let reference = Box::new(reference);
    let expected = reference.classify(pixels)?.probabilities;
    let n_classes = reference.classes.len();

    let config = Config::read(&run.config())?;
    let burn = |burn_ops| {
        let network = NetworkConfig { burn_ops, ..session::network(&config, facts) };
        let network = Checkpoint::selected(run, config.checkpoint, &network).map(|c| c.network());
        network.map(|network| Engine::Burn(Box::new(network))).map_err(|error| error.to_string())
    };
    let tract = Classifier::load(&run.onnx()).map_err(|error| error.to_string());
    // The pictures lie in a file for as long as the workers live, which is as long as `engines`.
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut engines = [
        (BASELINE, workers(python, &run.onnx(), pixels, folder.path())),
        ("tract as it comes", Ok(Engine::Tract(reference))),
        ("tract with kiln's kernels", tract.map(|tract| Engine::Tract(Box::new(tract)))),
        ("Burn as it comes", burn(true)),
        ("Burn with kiln's kernels", burn(false)),
    ];

    console::heading(&format!("Answers: {} test pictures", pixels.len() / PIXELS));
    let mut rows = Vec::new();
    for (name, engine) in &mut engines {
        let answers = match engine {
            Ok(engine) => engine.probabilities(pixels, n_classes, folder.path()),
            Err(reason) => Err(reason.clone()),
        };
        let measured = answers.map(|answers| {
            let agreement = compare(&expected, &answers, n_classes);
            console::line(&format!(
                "{name}: same class {}/{}, largest difference of a probability {:.1e}",
                agreement.same_class, agreement.n_images, agreement.largest_difference
            ));
            Answers { rounds: Default::default(), agreement }
        });
        rows.push(Inference { name, measured });
    }
    time_in_turn(&mut engines, &mut rows, pixels, args.inference_rounds)?;
    for row in &rows {
        if let Err(reason) = &row.measured {
            console::notice(&format!("{}: {reason}", row.name));
        }
    }
    Ok(rows)
}

/// Fills the rows' times.
fn time_in_turn(
    engines: &mut [(&'static str, Measured<Engine>)],
    rows: &mut [Inference],
    pixels: &[u8],
    rounds: usize,
) -> anyhow::Result<()> {
    let pools = THREADS.map(|n| ThreadPoolBuilder::new().num_threads(n).build());
    let pools = pools.into_iter().collect::<Result<Vec<_>, _>>()?;
    for round in 1..=rounds {
        console::line(&format!("inference, round {round}/{rounds}"));
        for (thread, pool) in pools.iter().enumerate() {
            for (size, &batch) in BATCHES.iter().enumerate() {
                for ((_, engine), row) in engines.iter_mut().zip(rows.iter_mut()) {
                    let (Ok(engine), Ok(answers)) = (engine, &mut row.measured) else { continue };
                    match engine.milliseconds(thread, pool, pixels, batch) {
                        Ok(time) => answers.rounds[thread][size].push(time),
                        Err(reason) => row.measured = Err(reason),
                    }
                }
            }
        }
    }
    Ok(())
}

/// ONNX Runtime with each number of threads, with the pictures at hand.
fn workers(
    python: &Measured<Python>,
    onnx: &Path,
    pixels: &[u8],
    folder: &Path,
) -> Measured<Engine> {
    let python = python.as_ref().map_err(Clone::clone)?;
    python.require(&["onnxruntime"])?;
    let file = folder.join("pixels");
    std::fs::write(&file, pixels).map_err(|error| format!("cannot write the pictures: {error}"))?;
    let worker = |threads: usize| {
        let mut command = python.script("ort_infer.py");
        command.arg(onnx).arg(&file).arg(threads.to_string());
        Worker::start(command)
    };
    THREADS.into_iter().map(worker).collect::<Measured<_>>().map(Engine::OnnxRuntime)
}

impl Engine {
    /// Milliseconds a picture: the median of the calls of one turn.
    fn milliseconds(
        &mut self,
        thread: usize,
        pool: &ThreadPool,
        pixels: &[u8],
        batch: usize,
    ) -> Measured<f64> {
        match self {
            Self::Tract(classifier) => pool.install(|| {
                median_call(pixels, batch, |pixels| {
                    let outputs = classifier.classify(pixels);
                    outputs.map(|outputs| drop(black_box(outputs))).map_err(|e| e.to_string())
                })
            }),
            Self::Burn(cnn) => pool.install(|| {
                median_call(pixels, batch, |pixels| {
                    drop(black_box(train::logits(cnn, pixels)));
                    Ok(())
                })
            }),
            Self::OnnxRuntime(workers) => {
                let turn = TURN.as_secs_f64();
                let said = workers[thread].ask(&format!("time {batch} {turn} {MIN_CALLS}"))?;
                said.parse().map_err(|_| format!("a worker said '{said}' instead of a time"))
            }
        }
    }

    /// The probabilities of all pictures, `n * classes`.
    fn probabilities(
        &mut self,
        pixels: &[u8],
        n_classes: usize,
        folder: &Path,
    ) -> Measured<Vec<f32>> {
        match self {
            Self::Tract(classifier) => {
                let outputs = classifier.classify(pixels).map_err(|error| error.to_string())?;
                Ok(outputs.probabilities)
            }
            Self::Burn(cnn) => {
                let most = BATCHES[BATCHES.len() - 1];
                let logits = pixels.chunks(most * PIXELS).flat_map(|p| train::logits(cnn, p));
                let logits: Vec<f32> = logits.collect();
                let rows = logits.chunks_exact(n_classes).flat_map(train::softmax);
                Ok(rows.map(|probability| probability as f32).collect())
            }
            Self::OnnxRuntime(workers) => {
                let file = folder.join("probabilities");
                workers[0].ask(&format!("probabilities {}", file.display()))?;
                let bytes = std::fs::read(&file).map_err(|error| error.to_string())?;
                let (numbers, _) = bytes.as_chunks();
                Ok(numbers.iter().map(|&number| f32::from_le_bytes(number)).collect())
            }
        }
    }
}

/// Median milliseconds a picture of calls with `batch` pictures each, walking through `pixels`. The
/// first call warms up.
fn median_call(
    pixels: &[u8],
    batch: usize,
    mut call: impl FnMut(&[u8]) -> Measured<()>,
) -> Measured<f64> {
    let mut batches = pixels.chunks_exact(batch * PIXELS).cycle();
    let mut timed = || {
        let pixels = batches.next().unwrap_or_default();
        let start = Instant::now();
        call(pixels).map(|()| start.elapsed().as_secs_f64())
    };
    timed()?;
    let (mut times, start) = (Vec::new(), Instant::now());
    while times.len() < MIN_CALLS || start.elapsed() < TURN {
        times.push(timed()?);
    }
    Ok(median(&times).unwrap_or(0.0) * 1e3 / batch as f64)
}

/// Compares probabilities, `n * classes` each.
fn compare(expected: &[f32], answers: &[f32], n_classes: usize) -> Agreement {
    let n_images = expected.len() / n_classes;
    let mut agreement = Agreement { n_images, same_class: 0, largest_difference: 0.0 };
    if answers.len() != expected.len() {
        return Agreement { largest_difference: 1.0, ..agreement };
    }
    for (expected, answers) in expected.chunks_exact(n_classes).zip(answers.chunks_exact(n_classes))
    {
        agreement.same_class += usize::from(train::argmax(expected) == train::argmax(answers));
        for (&expected, &answer) in expected.iter().zip(answers) {
            let difference = (f64::from(expected) - f64::from(answer)).abs();
            // `max` passes over NaN, which is as wrong as a probability can be: by 1.
            let difference = if difference.is_nan() { 1.0 } else { difference };
            agreement.largest_difference = agreement.largest_difference.max(difference);
        }
    }
    agreement
}

impl Agreement {
    /// Whether all classes are the same and the differences are rounding's.
    pub(super) fn holds(&self) -> bool {
        self.same_class == self.n_images && self.largest_difference <= verify::TOLERANCE
    }
}

impl Answers {
    /// Median milliseconds a picture over the rounds.
    pub(super) fn milliseconds(&self, thread: usize, size: usize) -> Option<f64> {
        median(&self.rounds[thread][size])
    }

    /// The largest distance between two rounds' medians, as a part of their median; none of one
    /// round.
    pub(super) fn spread(&self, thread: usize) -> Option<f64> {
        let several = self.rounds[thread].iter().filter(|rounds| rounds.len() > 1);
        let spreads = several.filter_map(|rounds| {
            let highest = rounds.iter().copied().reduce(f64::max)?;
            let lowest = rounds.iter().copied().reduce(f64::min)?;
            Some((highest - lowest) / median(rounds)?)
        });
        spreads.reduce(f64::max)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn answers_agree_where_classes_and_probabilities_do() {
        let expected = [0.9, 0.1, 0.2, 0.8];
        let same = compare(&expected, &expected, 2);
        assert_eq!(same, Agreement { n_images: 2, same_class: 2, largest_difference: 0.0 });
        assert!(same.holds());
        let other_class = compare(&expected, &[0.9, 0.1, 0.8, 0.2], 2);
        assert_eq!(other_class.same_class, 1);
        assert!(!other_class.holds());
        let off = compare(&expected, &[0.9, 0.1, 0.25, 0.75], 2);
        assert!((off.largest_difference - 0.05).abs() < 1e-7 && !off.holds());
        assert!(!compare(&expected, &[0.9, f32::NAN, 0.2, 0.8], 2).holds());
        assert!(!compare(&expected, &[0.9, 0.1], 2).holds());
    }

    #[test]
    fn a_call_is_timed_a_picture_and_walks_through_them_all() {
        let pixels: Vec<u8> = (0..4).flat_map(|level| [level; PIXELS]).collect();
        let mut seen = Vec::new();
        let time = median_call(&pixels, 2, |pixels| {
            seen.push(pixels[0]);
            std::thread::sleep(Duration::from_millis(100));
            Ok(())
        });
        assert!((50.0..90.0).contains(&time.unwrap()), "100 ms for two pictures");
        assert_eq!(seen[..4], [0, 2, 0, 2]);
        assert!(seen.len() > MIN_CALLS);
        assert_eq!(median_call(&pixels, 2, |_| Err("why".to_owned())), Err("why".to_owned()));
    }

    #[test]
    fn rounds_become_a_median_and_the_largest_spread() {
        let agreement = compare(&[], &[], 1);
        let mut answers = Answers { rounds: Default::default(), agreement };
        assert_eq!((answers.milliseconds(0, 0), answers.spread(0)), (None, None));
        answers.rounds[1][1] = vec![7.0];
        assert_eq!((answers.milliseconds(1, 1), answers.spread(1)), (Some(7.0), None));
        answers.rounds[1][0] = vec![1.0, 3.0, 2.0];
        answers.rounds[1][2] = vec![4.0, 4.4, 4.0];
        assert_eq!((answers.milliseconds(1, 0), answers.spread(1)), (Some(2.0), Some(1.0)));
    }
}
