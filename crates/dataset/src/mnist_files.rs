//! MNIST's own four files, as the `mnist` crate reads them.
//!
//! The crate opens raw files by name, expects 28x28 pixels, and panics on invalid files. So it reads the files whose
//! headers and lengths were checked, where they are; a file that another program changes in between can still cause
//! that panic.

use std::path::{Path, PathBuf};

use mnist::{Mnist, MnistBuilder};

use crate::examples::Examples;
use images::ImageShape;

/// Shape of MNIST's images.
const SHAPE: ImageShape = ImageShape::DIGIT;
/// MNIST's numbers of images: training, test.
const N_IMAGES: [u32; 2] = [60_000, 10_000];

/// Reads four files with checked headers: training, test. `None` where `mnist` cannot read them: other numbers of images
/// than MNIST's (`counts`, in the order of the files), a compressed file or one of another length than `lengths`, or a
/// name that is not UTF-8.
pub(crate) fn read(
    paths: &[PathBuf; 4],
    counts: [u32; 4],
    lengths: [u64; 4],
) -> Option<(Examples, Examples)> {
    let [n_train, n_test] = N_IMAGES;
    if counts != [n_train, n_train, n_test, n_test] {
        return None;
    }
    let mut names = [const { String::new() }; 4];
    for ((name, path), length) in names.iter_mut().zip(paths).zip(lengths) {
        *name = raw_name(path, length)?;
    }
    // Absolute names override the crate's base path.
    let Mnist { trn_img, trn_lbl, tst_img, tst_lbl, .. } = MnistBuilder::new()
        .training_images_filename(&names[0])
        .training_labels_filename(&names[1])
        .test_images_filename(&names[2])
        .test_labels_filename(&names[3])
        .label_format_digit()
        .training_set_length(n_train)
        .validation_set_length(0)
        .test_set_length(n_test)
        .finalize();
    let examples = |pixels, labels: Vec<u8>| {
        let labels = labels.into_iter().map(u16::from).collect();
        Examples { shape: SHAPE, pixels, labels }
    };
    Some((examples(trn_img, trn_lbl), examples(tst_img, tst_lbl)))
}

/// The absolute name of a file of exactly `length` bytes.
fn raw_name(path: &Path, length: u64) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let raw = path.metadata().ok()?.len() == length;
    path.to_str().filter(|_| raw).map(str::to_owned)
}
