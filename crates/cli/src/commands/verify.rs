//! `verify`: parity of the served model with the trained one.

use std::path::Path;
use std::process::ExitCode;

use pipeline::{Session, TOLERANCE};
use run::Needs;

pub(super) use crate::arguments::RunArgs as Args;
use crate::console;
use crate::progress::Bar;

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let session = args.open(runs, Needs::Onnx)?;
    verify(&session)?;
    console::next("report", &session.run);
    Ok(ExitCode::SUCCESS)
}

/// Compares Burn and tract on every test image and prints the differences; fails where they disagree.
pub(super) fn verify(session: &Session) -> anyhow::Result<()> {
    let n_images = session.images.test.len();
    console::heading(&format!(
        "Parity: {n_images} test images, Burn and tract (tolerance {TOLERANCE:.0e})"
    ));
    let agreement = Bar::during("parity", |progress| pipeline::verify(session, progress))?;
    for batch in &agreement.batches {
        console::line(&format!(
            "batch {:>3}: {}/{n_images} the same, largest difference {:.1e}",
            batch.batch, batch.same_class, batch.largest_difference
        ));
    }
    Ok(())
}
