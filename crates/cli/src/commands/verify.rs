//! `verify`: parity of the served model with the trained one.

use std::path::Path;
use std::process::ExitCode;

use pipeline::Session;

pub(super) use crate::arguments::RunArgs as Args;
use crate::console;

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    verify(&args.open(runs)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Compares Burn and tract on every test image and prints the differences; fails where they disagree.
pub(super) fn verify(session: &Session) -> anyhow::Result<()> {
    console::heading(&format!(
        "Parity: {} test images through Burn and tract",
        session.images.test.len()
    ));
    let agreement = pipeline::verify(session)?;
    for batch in &agreement.batches {
        console::line(&format!(
            "batch {:>3}: same class {}/{}, largest difference of a probability {:.1e} (tolerance {:.0e})",
            batch.batch,
            batch.same_class,
            agreement.n_images,
            batch.largest_difference,
            agreement.tolerance
        ));
    }
    Ok(())
}
