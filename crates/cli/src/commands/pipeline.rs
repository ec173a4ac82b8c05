//! `pipeline`: every stage, in order.

use std::path::Path;
use std::process::ExitCode;

use anyhow::ensure;
use run::number;

use super::{evaluate, export_onnx, report, train, verify};
use crate::console;
use crate::interrupt::INTERRUPTED;

/// The arguments of `pipeline`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Fail below this test accuracy, in [0, 1]
    #[arg(long, value_name = "X", value_parser = number(0.0..=1.0))]
    min_accuracy: Option<f64>,
    #[command(flatten)]
    train: train::Args,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let Some(session) = train::train(runs, &args.train, "pipeline --resume")? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let evaluation = evaluate::evaluate(&session)?;
    export_onnx::export(&session.run, &session.run.onnx())?;
    verify::verify(&session)?;
    report::report(&session)?;
    if let Some(wanted) = args.min_accuracy {
        let reached = evaluation.accuracy;
        ensure!(
            reached >= wanted,
            "test accuracy {reached:.4} is below the {wanted:.4} that --min-accuracy asks for"
        );
    }
    console::next("serve", &session.run);
    Ok(ExitCode::SUCCESS)
}
