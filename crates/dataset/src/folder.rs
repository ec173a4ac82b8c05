//! Folders of image files: `train/CLASS/*` and `test/CLASS/*`.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;

use crate::dataset::{Dataset, folder_name, hash};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::source::Source;

/// Shape of every image once it is prepared as a digit.
const SHAPE: ImageShape = ImageShape::DIGIT;
/// A classifier needs two classes at least.
const MIN_CLASSES: usize = 2;
/// More than the letters of an alphabet; a folder with more subfolders most likely does not contain classes.
const MAX_CLASSES: usize = 100;
/// Images in `train` or in `test`: prepared, these take 3 GB.
const MAX_IMAGES: usize = 4_000_000;
/// Extensions of the files that are read. Other files are skipped with a notice, since folders collect notes and
/// thumbnails; but a file with one of these extensions must be an image.
const EXTENSIONS: [&str; 7] = ["png", "jpg", "jpeg", "pgm", "pnm", "ppm", "pbm"];

/// Loads the images under `path`, each prepared by [`images::to_network`], in the order of the classes and then of the
/// files' names.
///
/// Memory: the prepared images, at most [`MAX_IMAGES`] a set, and one decoded image a thread, whose size `images`
/// limits.
pub(crate) fn load(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Dataset> {
    let (train_path, test_path) = (path.join("train"), path.join("test"));
    let classes = classes(&train_path)?;
    let test_classes = self::classes(&test_path)?;
    for (here, there, elsewhere) in
        [(&classes, &test_classes, &test_path), (&test_classes, &classes, &train_path)]
    {
        if let Some(class) = here.iter().find(|class| !there.contains(class)) {
            let reason = format!("class {class} is missing: training and test need the same ones");
            return Err(Error::Classes { path: elsewhere.clone(), reason });
        }
    }
    let train = examples(&train_path, &classes, on_event)?;
    let test = examples(&test_path, &classes, on_event)?;
    Ok(Dataset {
        name: folder_name(path),
        source: Source::Directory(path.to_owned()),
        synthetic: false,
        classes,
        shape: SHAPE,
        sha256: hash(&train, &test),
        train,
        test,
    })
}

/// The names of the class folders: in numerical order if all are numbers, else in alphabetical order.
fn classes(path: &Path) -> Result<Vec<String>> {
    let refuse = |reason: String| Err(Error::Classes { path: path.to_owned(), reason });
    let mut classes = Vec::new();
    for entry in entries(path)? {
        if entry.path().is_dir() {
            match entry.file_name().into_string() {
                Ok(name) => classes.push(name),
                Err(name) => return refuse(format!("{name:?} is not UTF-8: rename it")),
            }
        }
    }
    if !(MIN_CLASSES..=MAX_CLASSES).contains(&classes.len()) {
        return refuse(format!(
            "it has {} subfolders: make one for each class, {MIN_CLASSES} to {MAX_CLASSES} in all",
            classes.len()
        ));
    }
    let numbers: Option<Vec<u64>> = classes.iter().map(|class| class.parse().ok()).collect();
    match numbers {
        Some(_) => classes.sort_by_cached_key(|class| (class.parse::<u64>().ok(), class.clone())),
        None => classes.sort(),
    }
    Ok(classes)
}

/// The prepared images of every class folder under `path`.
fn examples(
    path: &Path,
    classes: &[String],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Examples> {
    let mut files = Vec::new();
    let mut labels = Vec::new();
    for (label, class) in (0..).zip(classes) {
        let folder = path.join(class);
        let (images, others): (Vec<_>, Vec<_>) = entries(&folder)?
            .iter()
            .map(DirEntry::path)
            .partition(|path: &PathBuf| has_image_extension(path));
        if images.is_empty() {
            let reason = format!("it contains no images: add some ({})", EXTENSIONS.join(", "));
            return Err(Error::Classes { path: folder, reason });
        }
        if let Some(first) = others.first() {
            let n = others.len();
            on_event(Event::Notice(&format!(
                "skipped {n} entries of {} that are not images, such as {}",
                folder.display(),
                first.display()
            )));
        }
        labels.resize(labels.len() + images.len(), label);
        files.extend(images);
        check_count(path, files.len())?;
    }
    let mut pixels = vec![0; files.len() * SHAPE.size()];
    let results: Vec<Result<()>> = pixels
        .par_chunks_exact_mut(SHAPE.size())
        .zip(&files)
        .map(|(pixels, file)| {
            let grey = images::read(file)?;
            let prepared = images::to_network(&grey, Preparation::Auto);
            pixels.copy_from_slice(&prepared.map_err(|error| error.of(file))?);
            Ok(())
        })
        .collect();
    // The first error in the order of the files, for any number of threads.
    results.into_iter().collect::<Result<()>>()?;
    Ok(Examples { shape: SHAPE, pixels, labels })
}

/// Refuses more than [`MAX_IMAGES`] images, before any is read.
fn check_count(path: &Path, n: usize) -> Result<()> {
    if n <= MAX_IMAGES {
        return Ok(());
    }
    let reason = format!("it contains more than {MAX_IMAGES} images: remove some");
    Err(Error::Classes { path: path.to_owned(), reason })
}

fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    path.is_file() && EXTENSIONS.iter().any(|&known| extension.as_deref() == Some(known.as_ref()))
}

/// The entries of a folder that are not hidden, sorted by name.
fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>().map_err(unreadable)?;
    entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests;
