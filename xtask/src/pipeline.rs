//! `cargo xtask pipeline`: all of it, in order.

use std::path::Path;
use std::process::ExitCode;

use anyhow::ensure;

use crate::cli::PipelineArgs;
use crate::{evaluate, export_onnx, report, train, verify};

pub(crate) fn run(runs: &Path, args: &PipelineArgs) -> anyhow::Result<ExitCode> {
    let config = args.train.config(args.smoke)?;
    let Some(session) = train::train(runs, &args.train, config)? else {
        return Ok(ExitCode::from(train::INTERRUPTED));
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
    Ok(ExitCode::SUCCESS)
}
