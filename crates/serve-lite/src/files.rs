//! Classifies image files: the work of the `predict` command.

use std::io::Write;
use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;

use crate::classifier::Classifier;
use crate::doubt::Doubt;
use crate::error::Result;
use crate::format::{Format, write_classifications};
use crate::table::Table;
use crate::text::{error_chain, printable};
use crate::{folder, input};

/// Files that are read and classified between two writes: enough to keep all threads busy, few enough to hold their
/// results in memory even if all are large IDX files.
const FILES_AT_ONCE: usize = 16;

/// Which files to classify, and how to prepare the images and write the results.
#[derive(Clone, Debug)]
pub struct PredictOptions {
    /// Image files: PNG, JPEG, WebP, GIF, BMP, PNM or IDX, which may be gzipped; `-` is standard input. Of a folder all
    /// files with the extension of an image.
    pub images: Vec<PathBuf>,
    /// How images become the network's input; `None` for what the model says.
    pub preparation: Option<Preparation>,
    /// How classifications are written.
    pub format: Format,
    /// A CSV file that gets the classifications, instead of `format`.
    pub csv: Option<PathBuf>,
}

/// The model's result for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Classification {
    /// The position of the image in an IDX file, from 0; `None` for a file of one image.
    pub index: Option<usize>,
    /// The most probable class, an index into the model's classes.
    pub class: usize,
    /// Why the answer is not to be relied on; `None` if nothing speaks against it.
    pub doubt: Option<Doubt>,
    /// Whether the answer is not to be relied on; `None` where the model does not say from which probability on.
    pub doubtful: Option<bool>,
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
        let doubt = classifier.doubt(&image, preparation, probabilities[class]);
        let doubtful = classifier.is_doubtful(doubt);
        Classification { index, class, doubt, doubtful, probabilities, pixels: image.pixels, shape }
    });
    Ok(rows.collect())
}

/// Classifies every file and writes the results to `out`, in the order of `options.images`; or to the CSV file, whole or
/// not at all and the least certain first, and their number to `out`.
///
/// A file that cannot be used is reported on `problems`, and the remaining files are classified. If the model was
/// trained on synthetic digits, a note on `problems` says so once.
///
/// # Errors
/// [`Error::Print`](crate::Error::Print) if `out` or `problems` cannot be written to, [`Error::Write`](crate::Error::Write)
/// if the CSV file cannot.
pub fn classify_files(
    classifier: &Classifier,
    options: &PredictOptions,
    out: &mut dyn Write,
    problems: &mut dyn Write,
) -> Result<FileCounts> {
    let PredictOptions { images, preparation, format, csv } = options;
    let mut table = csv.as_deref().map(Table::begin).transpose()?;
    if classifier.is_synthetic() {
        writeln!(problems, "note: this model was trained on synthetic digits, not on handwriting")?;
    }
    let files = files(images);
    let named = files.iter().map(|file| file.as_deref().map_or(0, name_width));
    let longest = named.max().unwrap_or(0);
    let mut n_failed = 0;
    for files in files.chunks(FILES_AT_ONCE) {
        let classify = |file: &std::result::Result<PathBuf, String>| {
            let found = classify_file(classifier, file.as_ref()?, *preparation);
            found.map_err(|error| error_chain(&error))
        };
        let results: Vec<_> = files.par_iter().map(classify).collect();
        for (file, result) in files.iter().zip(results) {
            let file = file.as_deref().unwrap_or(Path::new(""));
            match (result, &mut table) {
                (Ok(found), Some(table)) => table.add(file, &found),
                (Ok(found), None) => {
                    write_classifications(out, file, &found, &classifier.classes, format, longest)?;
                }
                (Err(problem), _) => {
                    n_failed += 1;
                    // Keeps the order of the files where both streams end on one screen.
                    out.flush()?;
                    writeln!(problems, "error: {problem}")?;
                }
            }
        }
    }
    if let (Some(table), Some(path)) = (table, csv) {
        let (n_images, n_doubtful) = table.write(&classifier.classes)?;
        let path = printable(&path.to_string_lossy());
        writeln!(out, "{n_images} images in {path}, {n_doubtful} of them doubtful")?;
        if n_failed > 0 {
            out.flush()?;
            writeln!(problems, "{n_failed} of {} files could not be used", files.len())?;
        }
    }
    out.flush()?;
    Ok(FileCounts { n_files: files.len(), n_failed })
}

/// The files that are meant: of a folder those in it, or why there are none.
fn files(images: &[PathBuf]) -> Vec<std::result::Result<PathBuf, String>> {
    let of = |path: &PathBuf| match path.is_dir() {
        false => vec![Ok(path.clone())],
        true => match folder::image_files(path) {
            Ok(files) => files.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error_chain(&error))],
        },
    };
    images.iter().flat_map(of).collect()
}

fn name_width(image: &Path) -> usize {
    printable(&image.to_string_lossy()).chars().count()
}
