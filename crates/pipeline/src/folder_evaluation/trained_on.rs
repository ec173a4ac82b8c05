//! Which images of a folder a run was trained on: scores on these say nothing of new images.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use run::{Config, RunDirectory, read_image_list};
use sha2::{Digest, Sha256};

/// How many of `files` have the content of a training or validation image of `run`. Images that are no longer where they
/// were, or never were files of their own, are not found.
pub(super) fn n_trained_on(run: &RunDirectory, files: &[(PathBuf, usize)]) -> usize {
    let (Ok(config), Ok(listed)) = (Config::read(&run.config()), read_image_list(&run.images()))
    else {
        return 0;
    };
    let root = PathBuf::from(config.data.data);
    let root = if root.is_file() { root.parent().unwrap_or(&root).to_owned() } else { root };
    let lengths: HashSet<u64> = files.par_iter().filter_map(|(path, _)| length(path)).collect();
    let known: HashSet<_> = listed
        .par_iter()
        .filter(|image| image.part != "test")
        .map(|image| root.join(&image.path))
        .filter(|path| length(path).is_some_and(|length| lengths.contains(&length)))
        .filter_map(|path| digest(&path))
        .collect();
    let is_known = |path: &Path| digest(path).is_some_and(|digest| known.contains(&digest));
    if known.is_empty() { 0 } else { files.par_iter().filter(|(path, _)| is_known(path)).count() }
}

fn length(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len())
}

fn digest(path: &Path) -> Option<[u8; 32]> {
    Some(Sha256::digest(std::fs::read(path).ok()?).into())
}
