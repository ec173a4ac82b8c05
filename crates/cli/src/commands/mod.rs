//! The commands: one file each, and the list of them.

mod check;
mod compare;
mod completions;
mod evaluate;
mod export_onnx;
mod fetch;
mod pipeline;
mod predict;
mod report;
mod serve;
mod study;
mod train;
mod verify;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::interrupt;

/// The commands of kiln: each stage alone, and all of them in order.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do everything: train, evaluate, export, verify, report
    Pipeline(pipeline::Args),
    /// Get the images and check them, without training
    Fetch(fetch::Args),
    /// Look for faults in images before training: unreadable files, duplicates, contradicting labels
    Check(check::Args),
    /// Train a network into a new run, or resume a run
    Train(train::Args),
    /// Score a run on the test set
    Evaluate(evaluate::Args),
    /// Write a run's network as an ONNX file
    ExportOnnx(export_onnx::Args),
    /// Check parity: the ONNX file in tract against the network in Burn, on every test image
    Verify(verify::Args),
    /// Classify image files with a run's ONNX file
    Predict(predict::Args),
    /// Serve a run's ONNX file over HTTP, with a page to draw on
    Serve(serve::Args),
    /// Draw a run's plots and HTML page from its files
    Report(report::Args),
    /// Compare the curves, settings and figures of several runs
    Compare(compare::Args),
    /// Train recipes with several seeds and compare their results
    Study(study::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

impl Command {
    /// Runs the command on the runs in `runs`.
    ///
    /// # Errors
    /// Whatever stops the command, for [`main`](crate::main) to print.
    pub fn run(&self, runs: &Path) -> anyhow::Result<ExitCode> {
        // The server drains its connections first.
        if !matches!(self, Self::Serve(_)) {
            interrupt::listen()?;
        }
        match self {
            Self::Pipeline(args) => pipeline::run(runs, args),
            Self::Fetch(args) => fetch::run(args),
            Self::Check(args) => check::run(args),
            Self::Train(args) => train::run(runs, args),
            Self::Evaluate(args) => evaluate::run(runs, args),
            Self::ExportOnnx(args) => export_onnx::run(runs, args),
            Self::Verify(args) => verify::run(runs, args),
            Self::Predict(args) => predict::run(runs, args),
            Self::Serve(args) => serve::run(runs, args),
            Self::Report(args) => report::run(runs, args),
            Self::Compare(args) => compare::run(runs, args),
            Self::Study(args) => study::run(runs, args),
            Self::Completions(args) => completions::run(args),
        }
    }
}
