//! The images as IDX files, which the peers' scripts read.

use std::path::Path;

use anyhow::{Context, ensure};
use dataset::Dataset;

/// Writes a data set as MNIST's four files.
///
/// Fails for images of several channels, which the scripts cannot read, and where a file cannot be written.
pub(crate) fn write(folder: &Path, dataset: &Dataset) -> anyhow::Result<()> {
    let [channels, height, width] = dataset.shape.dimensions();
    ensure!(
        channels == 1,
        "the peers' scripts read grey images only, and these have {channels} channels"
    );
    for (part, examples) in [("train", &dataset.train), ("t10k", &dataset.test)] {
        let n = examples.len();
        let images = encode(&[n, height, width], &examples.pixels);
        let labels: Vec<u8> = examples.labels.iter().map(|&label| label as u8).collect();
        let labels = encode(&[n], &labels);
        for (kind, bytes) in [("images-idx3", images), ("labels-idx1", labels)] {
            let path = folder.join(format!("{part}-{kind}-ubyte"));
            std::fs::write(&path, bytes)
                .with_context(|| format!("cannot write {}: is the disk full?", path.display()))?;
        }
    }
    Ok(())
}

/// An IDX file of bytes: type 8, the number of dimensions, their lengths in big-endian order, then the values.
fn encode(dimensions: &[usize], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|&length| (length as u32).to_be_bytes()));
    bytes.extend(values);
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use dataset::LoadOptions;

    use super::*;

    #[test]
    fn the_files_hold_the_data_set() {
        let folder = tempfile::tempdir().unwrap();
        let load = |data: &str| {
            let (cache, kiln_data) = (folder.path().to_owned(), None);
            let options = LoadOptions { cache, kiln_data, offline: true };
            let mut settings = run::Config::default().data;
            settings.data = data.to_owned();
            dataset::load(&settings, &options, &mut |_| ()).unwrap()
        };
        let digits = load("synthetic");
        write(folder.path(), &digits).unwrap();
        let read = load(folder.path().to_str().unwrap());
        assert_eq!(read.sha256, digits.sha256);
        assert_eq!((read.shape, read.test), (digits.shape, digits.test));
    }
}
