//! The stage that proves parity: the served model answers like the trained one.

use run::{Agreement, BatchAgreement, argmax, softmax, write_json};
use serve_lite::Classifier;
use train::Checkpoint;

use crate::device;
use crate::error::{Error, Result};
use crate::session::Session;

/// Batch sizes to compare: one image, an odd number, and training's own, so that every kind of remainder occurs.
const BATCHES: [usize; 3] = [1, 7, 128];
/// Images of one call to Burn, enough to keep all cores busy.
const BURN_BATCH: usize = 128;
/// Time of an image through Burn's own operations, by that through tract with kiln's kernels, roughly.
const BURN: usize = 6;
/// Largest difference of a probability that rounding can explain. The sums of 9,216 float32 products that two runtimes
/// add in different orders differ by about 1e-6 of their size; ten times that is allowed for the softmax after them.
pub const TOLERANCE: f64 = 1e-5;

/// Runs every test image through Burn and through tract; writes `agreement.json`.
///
/// Burn computes by its own operations here, whatever trained the network: tract is served by kiln's kernels, and a
/// comparison of the kernels with themselves would prove nothing.
///
/// # Errors
/// `on_progress` hears how much is done, and of how much: images through tract, for every batch size, and those through
/// Burn as many times as they take longer.
///
/// # Errors
/// [`Error::Parity`] where they disagree, with `agreement.json` written; [`Error::NotExported`].
pub fn verify(session: &Session, on_progress: &mut dyn FnMut(usize, usize)) -> Result<Agreement> {
    let Session { run, config, facts, images, .. } = session;
    if !run.onnx().is_file() {
        return Err(Error::NotExported { path: run.onnx() });
    }
    let network = Checkpoint::selected(run, config, facts, &device())?.network().with_burn_ops();
    let classifier = Classifier::load(&run.onnx())?;
    let (n_classes, size) = (facts.classes.len(), facts.shape.size());

    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    images.dataset.test.gather(&images.test, &mut pixels, &mut labels);
    let total = images.test.len() * (BURN + BATCHES.len());
    let mut done = 0;
    let mut progress = |pixels: &[u8], cost: usize| {
        done += pixels.len() / size * cost;
        on_progress(done, total);
    };
    let mut logits = Vec::with_capacity(images.test.len() * n_classes);
    for pixels in pixels.chunks(BURN_BATCH * size) {
        logits.extend(train::logits(&network, pixels));
        progress(pixels, BURN);
    }
    let mut agreement =
        Agreement { n_images: images.test.len(), tolerance: TOLERANCE, batches: Vec::new() };
    for batch in BATCHES {
        let mut found = BatchAgreement { batch, same_class: 0, largest_difference: 0.0 };
        let burn = logits.chunks(batch * n_classes);
        for (pixels, burn) in pixels.chunks(batch * size).zip(burn) {
            let tract = classifier.classify(pixels)?.probabilities;
            for (logits, probabilities) in
                burn.chunks_exact(n_classes).zip(tract.chunks_exact(n_classes))
            {
                found.same_class += usize::from(argmax(logits) == argmax(probabilities));
                let difference = largest_difference(logits, probabilities);
                found.largest_difference = found.largest_difference.max(difference);
            }
            progress(pixels, 1);
        }
        agreement.batches.push(found);
    }
    write_json(&run.agreement(), &agreement)?;
    if agreement.holds() { Ok(agreement) } else { Err(Error::Parity { path: run.onnx() }) }
}

/// Largest difference between the softmax of `logits` and `probabilities`; 1 where one is not a number.
fn largest_difference(logits: &[f32], probabilities: &[f32]) -> f64 {
    let pairs = softmax(logits).into_iter().zip(probabilities);
    let differences = pairs.map(|(expected, &found)| (expected - f64::from(found)).abs());
    // `max` passes over NaN, which must not count as agreement.
    differences.map(|d| if d.is_nan() { 1.0 } else { d }).fold(0.0, f64::max)
}
