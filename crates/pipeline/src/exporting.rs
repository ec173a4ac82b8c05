//! The stage that writes the ONNX file.

use std::path::{Path, PathBuf};

use export::Metadata;
use run::{Config, DatasetFacts, Evaluation, RunDirectory, read_json};
use sha2::{Digest, Sha256};
use train::Checkpoint;

use crate::device;
use crate::error::Result;
use crate::reporting::read_if_there;

/// What was exported.
pub struct Exported {
    /// The ONNX file, or the model's folder in a repository.
    pub path: PathBuf,
    /// Length of the ONNX file, in bytes.
    pub n_bytes: usize,
    /// What the file says of itself.
    pub metadata: Metadata,
}

/// Writes the run's selected checkpoint as an ONNX file; needs the run's files only, not the images. The folder of
/// `output` has to exist.
///
/// # Errors
/// [`Error::Train`](crate::Error::Train) without a sound checkpoint, or where the run's settings or facts are not those
/// it was trained with; [`Error::Export`](crate::Error::Export); [`Error::Run`](crate::Error::Run) where the file cannot
/// be written.
pub fn export_onnx(run: &RunDirectory, output: &Path) -> Result<Exported> {
    let (onnx, metadata) = onnx(run)?;
    run::write_atomically(output, &onnx)?;
    Ok(Exported { path: output.to_owned(), n_bytes: onnx.len(), metadata })
}

/// Writes it as a model repository for Triton and KServe, in which the model is called `name`. `folder` is made where it
/// is missing; its parent has to exist.
///
/// # Errors
/// As [`export_onnx`].
pub fn export_repository(run: &RunDirectory, name: &str, folder: &Path) -> Result<Exported> {
    let (onnx, metadata) = onnx(run)?;
    let n_bytes = onnx.len();
    let facts: DatasetFacts = read_json(&run.dataset())?;
    run::create_folder(folder)?;
    for (path, bytes) in export::triton_repository(name, facts.shape, &metadata.classes, onnx) {
        let path = folder.join(path);
        // From the model's folder down to the file's.
        let below = |folder_of: &&Path| folder_of.starts_with(folder) && *folder_of != folder;
        let mut folders: Vec<_> = path.ancestors().skip(1).take_while(below).collect();
        folders.reverse();
        for folder in folders {
            run::create_folder(folder)?;
        }
        run::write_atomically(&path, &bytes)?;
    }
    Ok(Exported { path: folder.join(name), n_bytes, metadata })
}

/// The run's selected checkpoint as the bytes of an ONNX file, with their metadata.
fn onnx(run: &RunDirectory) -> Result<(Vec<u8>, Metadata)> {
    let config = Config::read(&run.config())?;
    let facts: DatasetFacts = read_json(&run.dataset())?;
    let checkpoint = Checkpoint::selected(run, &config, &facts, &device())?;
    // An evaluation of other weights than the exported ones would mislead.
    let evaluation: Option<Evaluation> = read_if_there(&run.evaluation())?;
    let evaluation = evaluation.filter(|evaluation| evaluation.epoch == checkpoint.epoch());
    let metadata = metadata(&config, &facts, checkpoint.epoch(), evaluation.as_ref());
    Ok((export::to_onnx(&checkpoint.network(), &metadata)?, metadata))
}

fn metadata(
    config: &Config,
    facts: &DatasetFacts,
    epoch: usize,
    evaluation: Option<&Evaluation>,
) -> Metadata {
    let stratified = if config.data.stratify { ", stratified" } else { "" };
    Metadata {
        classes: facts.classes.clone(),
        dataset: facts.name.clone(),
        dataset_sha256: facts.sha256.clone(),
        synthetic: facts.synthetic,
        preparation: config.data.prepare.chosen(),
        doubtful_below: evaluation.and_then(|evaluation| Some(evaluation.doubt.as_ref()?.below)),
        background: facts.background,
        split: format!(
            "{} training, {} validation, {} test; seed {}{stratified}",
            facts.n_train, facts.n_val, facts.n_test, config.data.split_seed
        ),
        epoch,
        test_accuracy: evaluation.map(|evaluation| evaluation.accuracy),
        config_sha256: format!("{:x}", Sha256::digest(config.to_toml())),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
