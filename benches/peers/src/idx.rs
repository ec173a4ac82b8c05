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
        let labels = encode(&[n], &examples.labels);
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
    use super::*;

    #[test]
    fn a_data_set_becomes_idx_files() {
        let folder = tempfile::tempdir().unwrap();
        let options = dataset::LoadOptions {
            cache: folder.path().to_owned(),
            kiln_data: None,
            offline: true,
        };
        let mut settings = run::Config::default().data;
        settings.data = "synthetic".to_owned();
        let dataset = dataset::load(&settings, &options, &mut |_| ()).unwrap();
        write(folder.path(), &dataset).unwrap();
        let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        let length = |n: usize| (n as u32).to_be_bytes();
        let [_, height, width] = dataset.shape.dimensions();
        let images = read("t10k-images-idx3-ubyte");
        let head = [[0, 0, 8, 3], length(dataset.test.len()), length(height), length(width)];
        assert_eq!(images[..16], head.concat());
        assert_eq!(images[16..], dataset.test.pixels);
        let labels = read("train-labels-idx1-ubyte");
        assert_eq!(labels[..8], [[0, 0, 8, 1], length(dataset.train.len())].concat());
        assert_eq!(labels[8..], dataset.train.labels);
    }
}
