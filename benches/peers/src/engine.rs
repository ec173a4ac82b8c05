//! What classifies images: tract or Burn in this process, ONNX Runtime in workers.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use model::Network;
use pipeline::Images;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use serve_lite::Classifier;

use crate::inference::{BATCHES, THREADS};
use crate::process::Worker;
use crate::python::Python;
use crate::results::{Measured, median};

/// How long a system is measured before the next one takes its turn: long enough for the median of five of the slowest
/// calls, short enough that whatever slows the machine down slows all systems.
const TURN: Duration = Duration::from_secs(1);
/// The fewest calls in a turn.
const MIN_CALLS: usize = 5;

/// The test images.
pub(crate) struct TestImages {
    /// `n * size` bytes.
    pub(crate) pixels: Vec<u8>,
    /// Bytes of one image.
    pub(crate) size: usize,
}

/// A system with its model loaded.
pub(crate) enum Engine {
    Tract(Box<Classifier>),
    Burn(Box<Network>),
    /// A worker for each of [`THREADS`]; idle ones sleep.
    OnnxRuntime(Vec<Worker>),
}

impl TestImages {
    /// The test images that are used.
    pub(crate) fn new(images: &Images) -> Self {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        images.dataset.test.gather(&images.test, &mut pixels, &mut labels);
        Self { pixels, size: images.dataset.shape.size() }
    }

    pub(crate) fn len(&self) -> usize {
        self.pixels.len() / self.size
    }

    /// Median milliseconds per image of calls with `batch` images each, which go through all images again and again.
    /// The first call is a warm-up.
    fn median_call(
        &self,
        batch: usize,
        mut call: impl FnMut(&[u8]) -> Measured<()>,
    ) -> Measured<f64> {
        let mut batches = self.pixels.chunks_exact(batch * self.size).cycle();
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
        Ok(median(times).unwrap_or_default() * 1e3 / batch as f64)
    }
}

/// A thread pool for each of [`THREADS`].
pub(crate) fn pools() -> Result<Vec<ThreadPool>, ThreadPoolBuildError> {
    THREADS.into_iter().map(|n| ThreadPoolBuilder::new().num_threads(n).build()).collect()
}

impl Engine {
    /// ONNX Runtime on a model. The workers read the images from a file in `folder`.
    pub(crate) fn onnx_runtime(
        python: &Measured<Python>,
        onnx: &Path,
        images: &TestImages,
        folder: &Path,
    ) -> Measured<Self> {
        let python = python.as_ref().map_err(Clone::clone)?;
        python.require(&["onnxruntime"])?;
        let file = folder.join("pixels");
        std::fs::write(&file, &images.pixels)
            .map_err(|error| format!("cannot write the images: {error}"))?;
        let worker = |threads: usize| {
            let mut command = python.script("ort_infer.py");
            command.arg(onnx).arg(&file).arg(threads.to_string());
            Worker::start(command)
        };
        THREADS.into_iter().map(worker).collect::<Measured<_>>().map(Self::OnnxRuntime)
    }

    /// Milliseconds per image: the median of the calls of one turn, on the threads of `pools[thread]`.
    pub(crate) fn milliseconds(
        &mut self,
        images: &TestImages,
        batch: usize,
        pools: &[ThreadPool],
        thread: usize,
    ) -> Measured<f64> {
        match self {
            Self::Tract(classifier) => pools[thread].install(|| {
                images.median_call(batch, |pixels| {
                    let outputs = classifier.classify(pixels).map_err(|e| e.to_string())?;
                    drop(black_box(outputs));
                    Ok(())
                })
            }),
            Self::Burn(network) => pools[thread].install(|| {
                images.median_call(batch, |pixels| {
                    drop(black_box(train::logits(network, pixels)));
                    Ok(())
                })
            }),
            Self::OnnxRuntime(workers) => {
                let turn = TURN.as_secs_f64();
                let answer = workers[thread].ask(&format!("time {batch} {turn} {MIN_CALLS}"))?;
                answer.parse().map_err(|_| format!("a worker printed '{answer}', not a time"))
            }
        }
    }

    /// The probabilities of all images, `n * classes`; a worker writes them to a file in `folder`.
    pub(crate) fn probabilities(
        &mut self,
        images: &TestImages,
        n_classes: usize,
        folder: &Path,
    ) -> Measured<Vec<f32>> {
        match self {
            Self::Tract(classifier) => {
                let outputs = classifier.classify(&images.pixels);
                outputs.map(|outputs| outputs.probabilities).map_err(|error| error.to_string())
            }
            Self::Burn(network) => {
                let batches = images.pixels.chunks(BATCHES[BATCHES.len() - 1] * images.size);
                let logits: Vec<f32> = batches.flat_map(|p| train::logits(network, p)).collect();
                let rows = logits.chunks_exact(n_classes).flat_map(run::softmax);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn calls_are_timed_per_image_and_go_through_all_images() {
        let images = TestImages { pixels: vec![0, 0, 1, 1, 2, 2, 3, 3], size: 2 };
        let mut seen = Vec::new();
        let time = images.median_call(2, |pixels| {
            seen.push(pixels[0]);
            std::thread::sleep(Duration::from_millis(100));
            Ok(())
        });
        assert!((50.0..90.0).contains(&time.unwrap()), "100 ms for two images");
        assert_eq!(seen[..4], [0, 2, 0, 2]);
        assert!(seen.len() > MIN_CALLS);
        assert_eq!(images.median_call(2, |_| Err("why".to_owned())), Err("why".to_owned()));
    }
}
