//! `cargo xtask verify`: the proof that what is served is what was trained.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use dataset::PIXELS;
use model::NetworkConfig;
use run::{Agreement, write_json};
use serve_lite::Classifier;
use train::Checkpoint;

use crate::cli::RunArgs;
use crate::console;
use crate::session::Session;

/// One alone, an odd number, and training's own: the plans and tails a server can meet.
const BATCHES: [usize; 3] = [1, 7, 128];
/// Pictures of a call of Burn's, enough to keep all cores busy.
const BURN_BATCH: usize = 128;
/// Largest difference of a probability that rounding can explain. The sums of 9,216 float32 products that two runtimes
/// add in another order differ by about 1e-6 of their size; ten times that is left for the softmax that follows.
pub(crate) const TOLERANCE: f64 = 1e-5;

pub(crate) fn run(runs: &Path, args: &RunArgs) -> anyhow::Result<ExitCode> {
    args.machine.apply()?;
    verify(&Session::open(runs, args.run.as_deref(), &args.machine)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs every test picture through Burn and through tract, and fails where they disagree.
///
/// Burn computes by its own operations here, whatever trained the network: tract is served by kiln's kernels, and what
/// shared them with it would prove nothing of them.
pub(crate) fn verify(session: &Session) -> anyhow::Result<Agreement> {
    let Session { run, config, data, .. } = session;
    let network = NetworkConfig { burn_ops: true, ..session.network() };
    let network = Checkpoint::selected(run, config.checkpoint, &network)?.network();
    let classifier = Classifier::load(&run.onnx())
        .context("export the run first, with `cargo xtask export-onnx`")?;
    let n_classes = classifier.classes.len();
    let mut agreement =
        Agreement { n_images: data.test.len(), tolerance: TOLERANCE, batches: Vec::new() };
    console::heading(&format!("Proof: {} test pictures through Burn and tract", data.test.len()));

    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    data.dataset.test.gather(&data.test, &mut pixels, &mut labels);
    let logits: Vec<f32> = pixels
        .chunks(BURN_BATCH * PIXELS)
        .flat_map(|pixels| train::logits(&network, pixels))
        .collect();
    for batch in BATCHES {
        let mut found = run::BatchAgreement { batch, same_class: 0, largest_difference: 0.0 };
        let burn = logits.chunks(batch * n_classes);
        for (pixels, burn) in pixels.chunks(batch * PIXELS).zip(burn) {
            let tract = classifier.classify(pixels)?;
            let rows =
                burn.chunks_exact(n_classes).zip(tract.probabilities.chunks_exact(n_classes));
            for (logits, probabilities) in rows {
                let expected = train::softmax(logits);
                found.same_class +=
                    usize::from(train::argmax(logits) == train::argmax(probabilities));
                for (expected, &got) in expected.iter().zip(probabilities) {
                    let difference = (expected - f64::from(got)).abs();
                    // `max` passes over NaN, which is as wrong as a probability can be: by 1.
                    let difference = if difference.is_nan() { 1.0 } else { difference };
                    found.largest_difference = found.largest_difference.max(difference);
                }
            }
        }
        console::line(&format!(
            "batch {batch:>3}: same class {}/{}, largest difference of a probability {:.1e} (tolerance {TOLERANCE:.0e})",
            found.same_class, agreement.n_images, found.largest_difference
        ));
        agreement.batches.push(found);
    }
    write_json(&run.agreement(), &agreement)?;
    ensure!(
        agreement.holds(),
        "{} does not answer as the network it came from: export it again, and report this if it stays",
        run.onnx().display()
    );
    Ok(agreement)
}
