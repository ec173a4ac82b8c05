//! `cargo xtask export-onnx`: the network as one self-contained file.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use export::Metadata;
use run::{Config, DatasetFacts, Evaluation, RunDirectory, read_json};
use sha2::{Digest, Sha256};
use train::Checkpoint;

use crate::cli::{ExportArgs, Layout};
use crate::{console, session};

pub(crate) fn run(runs: &Path, args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let _lock = run.lock()?;
    match args.layout {
        Layout::File => export(&run, args.output.as_ref().unwrap_or(&run.onnx()))?,
        Layout::Triton => {
            let folder = args.output.clone().unwrap_or_else(|| run.model_repository());
            export_repository(&run, args.name.as_str(), &folder)?
        }
    };
    Ok(ExitCode::SUCCESS)
}

/// Writes the run's selected checkpoint as ONNX; needs the run's files alone, no pictures.
pub(crate) fn export(run: &RunDirectory, output: &Path) -> anyhow::Result<()> {
    let (onnx, metadata) = network(run)?;
    run::write_atomically(output, &onnx)?;
    tell(output, onnx.len(), &metadata);
    Ok(())
}

/// Writes it as a model repository, in which it is called `name`.
fn export_repository(run: &RunDirectory, name: &str, folder: &Path) -> anyhow::Result<()> {
    let (onnx, metadata) = network(run)?;
    let n_bytes = onnx.len();
    for (path, bytes) in export::triton_repository(name, &metadata.classes, onnx) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        run::write_atomically(&path, &bytes)?;
    }
    tell(&folder.join(name), n_bytes, &metadata);
    Ok(())
}

/// The run's selected checkpoint as the bytes of an ONNX file, and what they say of themselves.
fn network(run: &RunDirectory) -> anyhow::Result<(Vec<u8>, Metadata)> {
    let config = Config::read(&run.config())?;
    let facts: DatasetFacts = read_json(&run.dataset())?;
    let checkpoint =
        Checkpoint::selected(run, config.checkpoint, &session::network(&config, &facts))?;
    // Figures of other weights than the exported ones would be worse than none.
    let evaluation = match run.evaluation().exists() {
        true => Some(read_json::<Evaluation>(&run.evaluation())?),
        false => None,
    };
    let evaluation = evaluation.filter(|evaluation| evaluation.epoch == checkpoint.epoch());
    let metadata = metadata(&config, &facts, checkpoint.epoch(), evaluation.as_ref());
    Ok((export::to_onnx(&checkpoint.network(), &metadata)?, metadata))
}

fn tell(path: &Path, n_bytes: usize, metadata: &Metadata) {
    console::heading(&format!("ONNX: {}, {:.1} MB", path.display(), n_bytes as f64 / 1e6));
    for (key, value) in metadata.properties() {
        console::line(&format!("{key} = {value}"));
    }
}

fn metadata(
    config: &Config,
    facts: &DatasetFacts,
    epoch: usize,
    evaluation: Option<&Evaluation>,
) -> Metadata {
    let stratified = if config.stratify { ", stratified" } else { "" };
    Metadata {
        classes: facts.classes.clone(),
        dataset: facts.name.clone(),
        dataset_sha256: facts.sha256.clone(),
        synthetic: facts.synthetic,
        split: format!(
            "{} training, {} validation, {} test; seed {}{stratified}",
            facts.n_train, facts.n_val, facts.n_test, config.split_seed
        ),
        epoch,
        test_accuracy: evaluation.map(|evaluation| evaluation.accuracy),
        config_sha256: hex(&Sha256::digest(config.to_toml())),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
