//! Classifies image files: the work of the `predict` command.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;

use crate::classifier::Classifier;
use crate::error::Result;
use crate::format::{Format, write_classifications};
use crate::input;
use crate::text::{error_chain, printable};

/// Files that are read and classified between two writes: enough to keep all threads busy, few enough to hold their
/// results in memory even if all are large IDX files.
const FILES_AT_ONCE: usize = 16;

/// Which files to classify, and how to prepare the images and write the results.
#[derive(Clone, Debug)]
pub struct PredictOptions {
    /// Image files: PNG, JPEG, BMP, PGM or IDX, which may be gzipped; `-` is standard input.
    pub images: Vec<PathBuf>,
    /// How images become the network's input; `None` for what the model says.
    pub preparation: Option<Preparation>,
    /// How classifications are written.
    pub format: Format,
}

/// The model's result for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// The position of the image in an IDX file, from 0; `None` for a file of one image.
    pub index: Option<usize>,
    /// The most probable class, an index into the model's classes.
    pub class: usize,
    /// Whether the answer is not to be relied on: its probability is low, or several digits stand side by side.
    pub doubtful: bool,
    /// One probability for each class; they sum to 1.
    pub probabilities: Vec<f32>,
    /// The network's input: the prepared image, one byte a value, in the order of `shape`.
    pub pixels: Vec<u8>,
    /// The shape of `pixels`.
    pub shape: ImageShape,
}

/// The number of files that [`classify_files`] went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileCounts {
    /// All files.
    pub n_files: usize,
    /// Files that could not be classified, each of which was reported.
    pub n_failed: usize,
}

/// Classifies the images of one file; the result has at least one. `preparation` is the classifier's if `None`.
///
/// # Errors
/// What [`Classifier::classify`] returns, and [`Error::Read`](crate::Error::Read),
/// [`Error::TooLarge`](crate::Error::TooLarge), [`Error::Idx`](crate::Error::Idx) or
/// [`Error::Image`](crate::Error::Image), naming the file, if it cannot be used. One unusable image of an IDX file
/// fails the whole file.
pub fn classify_file(
    classifier: &Classifier,
    path: &Path,
    preparation: Option<Preparation>,
) -> Result<Vec<Classification>> {
    let shape = classifier.shape;
    let preparation = preparation.unwrap_or(classifier.preparation);
    let input::Images { numbered, prepared } = input::read(path, shape, preparation)?;
    let pixels: Vec<u8> = prepared.iter().flat_map(|image| image.pixels.iter().copied()).collect();
    let outputs = classifier.classify(&pixels)?;
    let rows = prepared.into_iter().enumerate().map(|(row, image)| {
        let index = numbered.then_some(row);
        let (class, probabilities) = (outputs.best(row), outputs.row(row).to_vec());
        let doubtful = classifier.is_doubtful(image.several, probabilities[class]);
        Classification { index, class, doubtful, probabilities, pixels: image.pixels, shape }
    });
    Ok(rows.collect())
}

/// Classifies every file and writes the results to `out`, in the order of `options.images`.
///
/// A file that cannot be used is reported on `problems`, and the remaining files are classified. If the model was
/// trained on synthetic digits, a note on `problems` says so once.
///
/// # Errors
/// If `out` or `problems` cannot be written to.
pub fn classify_files(
    classifier: &Classifier,
    options: &PredictOptions,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> io::Result<FileCounts> {
    let PredictOptions { images, preparation, format } = options;
    if classifier.is_synthetic() {
        writeln!(problems, "note: this model was trained on synthetic digits, not on handwriting")?;
    }
    let longest = images.iter().map(|image| name_width(image)).max().unwrap_or(0);
    let mut n_failed = 0;
    for images in images.chunks(FILES_AT_ONCE) {
        let results: Vec<_> =
            images.par_iter().map(|image| classify_file(classifier, image, *preparation)).collect();
        for (image, result) in images.iter().zip(results) {
            match result {
                Ok(rows) => {
                    write_classifications(out, image, &rows, &classifier.classes, format, longest)?;
                }
                Err(error) => {
                    n_failed += 1;
                    // Keeps the order of the files where both streams end on one screen.
                    out.flush()?;
                    writeln!(problems, "error: {}", error_chain(&error))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(FileCounts { n_files: images.len(), n_failed })
}

fn name_width(image: &Path) -> usize {
    printable(&image.to_string_lossy()).chars().count()
}
