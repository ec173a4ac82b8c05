//! Files of pictures to predictions: the body of the `predict` command.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use images::Preparation;
use rayon::prelude::*;

use crate::classifier::{Classifier, PIXELS};
use crate::error::{Error, Result};
use crate::format::{Format, printable, write_predictions};
use crate::input;

/// Files that are read and classified at once: enough to keep all threads busy between two writes,
/// few enough to hold their predictions in memory, were they large IDX files.
const FILES_AT_ONCE: usize = 16;

/// What to predict and how to show it.
#[derive(Clone, Debug)]
pub struct PredictOptions {
    /// Files of pictures: PNG, JPEG, PGM, or IDX, which may be gzipped; `-` is standard input.
    pub images: Vec<PathBuf>,
    /// How pictures are made fit for the network.
    pub preparation: Preparation,
    /// How predictions are written.
    pub format: Format,
}

/// What the model says about one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Which picture of an IDX file it is, from 0; `None` for a file of one picture.
    pub index: Option<usize>,
    /// The most probable class, an index into the model's classes.
    pub class: usize,
    /// One probability for each class; they sum to 1.
    pub probabilities: Vec<f32>,
    /// What the network saw: 28 rows of 28 grey levels, ink is white.
    pub pixels: Vec<u8>,
}

/// How many files [`predict_all`] went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Files in all.
    pub n_files: usize,
    /// Files without predictions, each reported.
    pub n_failed: usize,
}

/// Classifies the pictures of one file; there is at least one.
///
/// # Errors
/// What [`Classifier::classify`] returns, and [`Error::Read`], [`Error::TooLarge`], [`Error::Idx`]
/// or [`Error::Picture`], naming the file, if it cannot be used. No picture of an IDX file is
/// skipped: one that cannot be used fails the file.
pub fn predict(
    classifier: &Classifier,
    image: &Path,
    preparation: Preparation,
) -> Result<Vec<Prediction>> {
    let pictures = input::read(image, preparation)?;
    let outputs = classifier.classify(&pictures.pixels)?;
    let predictions = pictures.pixels.chunks_exact(PIXELS).enumerate().map(|(row, pixels)| {
        let index = pictures.numbered.then_some(row);
        let probabilities = outputs.row(row).to_vec();
        Prediction { index, class: outputs.best(row), probabilities, pixels: pixels.to_vec() }
    });
    Ok(predictions.collect())
}

/// Classifies every file and writes its predictions to `out`, in the order of `options.images`.
///
/// A file that cannot be used is reported on `problems`, and the others are classified all the
/// same. A model trained on synthetic digits is announced there too, once.
///
/// # Errors
/// If `out` or `problems` cannot be written to.
pub fn predict_all(
    classifier: &Classifier,
    options: &PredictOptions,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> io::Result<Outcome> {
    let PredictOptions { images, preparation, format } = options;
    if classifier.is_synthetic() {
        writeln!(problems, "note: this model was trained on synthetic digits, not on handwriting")?;
    }
    let longest = images.iter().map(|image| name_width(image)).max().unwrap_or(0);
    let mut n_failed = 0;
    for images in images.chunks(FILES_AT_ONCE) {
        let results: Vec<_> =
            images.par_iter().map(|image| predict(classifier, image, *preparation)).collect();
        for (image, result) in images.iter().zip(results) {
            match result {
                Ok(rows) => {
                    write_predictions(out, image, &rows, &classifier.classes, format, longest)?;
                }
                Err(error) => {
                    n_failed += 1;
                    // What was predicted before it comes before it where both end on one screen.
                    out.flush()?;
                    writeln!(problems, "error: {}", reasons(&error))?;
                }
            }
        }
    }
    out.flush()?;
    Ok(Outcome { n_files: images.len(), n_failed })
}

fn name_width(image: &Path) -> usize {
    printable(&image.to_string_lossy()).chars().count()
}

/// An error and its sources, on one line.
pub(crate) fn reasons(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        line += &format!(": {cause}");
        source = cause.source();
    }
    printable(&line)
}
