//! `export-onnx`: the network as one self-contained file, or as a model repository.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pipeline::Exported;
use run::{Needs, RunDirectory, run_name};

use crate::arguments::find_run;
use crate::console;

/// What to export, and where to.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: the newest that has a checkpoint]
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    run: Option<String>,
    /// The file alone, or the folder that Triton and KServe read
    #[arg(long, value_enum, default_value_t = Layout::File)]
    layout: Layout,
    /// Name of the model in that folder
    #[arg(long, value_name = "NAME", default_value = "mnist")]
    name: serve_lite::ModelName,
    /// Where to write it; its folder has to exist [default: model.onnx or model_repository in the run]
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// The layout of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Layout {
    /// model.onnx
    File,
    /// NAME/config.pbtxt, NAME/labels.txt and NAME/1/model.onnx
    Triton,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let run = find_run(runs, args.run.as_deref(), Needs::Weights)?;
    let _lock = run.lock()?;
    match args.layout {
        Layout::File => match &args.output {
            Some(output) => export(&run, output)?,
            None => {
                export(&run, &run.onnx())?;
                console::next("verify", &run);
            }
        },
        Layout::Triton => {
            let folder = args.output.clone().unwrap_or_else(|| run.model_repository());
            describe(&pipeline::export_repository(&run, args.name.as_str(), &folder)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the run's selected checkpoint as ONNX and prints the metadata of the file.
pub(super) fn export(run: &RunDirectory, output: &Path) -> anyhow::Result<()> {
    describe(&pipeline::export_onnx(run, output)?);
    Ok(())
}

fn describe(Exported { path, n_bytes, metadata }: &Exported) {
    console::heading(&format!("ONNX: {}, {:.1} MB", path.display(), *n_bytes as f64 / 1e6));
    for (key, value) in metadata.properties() {
        console::row(&format!("{key} = {value}"));
    }
    if metadata.doubtful_below.is_none() {
        console::notice(
            "the model does not say below which probability an answer is doubtful: `evaluate` finds that with validation images, before `export-onnx`",
        );
    }
}
