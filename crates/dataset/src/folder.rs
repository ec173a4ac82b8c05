//! Folders of image files: `train/CLASS/*` and `test/CLASS/*`, and `val/CLASS/*` where there is one.

mod classes;
mod files;

use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;
use run::Prepare;

use crate::dataset::{Dataset, folder_name, hash};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::layout::{entries, list};
use crate::preparation;
use crate::source::Source;
use classes::{Class, MIN_CLASSES, check_same, classes};
use files::ClassFiles;

/// Shape of every image once it is prepared as a digit.
const SHAPE: ImageShape = ImageShape::DIGIT;
/// Images in `train` or in `test`: prepared, these take 3 GB.
const MAX_IMAGES: usize = 4_000_000;
/// The most files that one error lists.
const MOST_LISTED: usize = 20;
/// How many images of a part are looked at for colours: enough to see a class in colour among a hundred.
const COLOUR_SAMPLE: usize = 500;
/// What the folders of training, validation and test images are called, in any case.
const PARTS: [&[&str]; 3] =
    [&["train", "training"], &["val", "valid", "validation"], &["test", "testing"]];

/// The folders of the training, the validation and the test images in `folder`, where they are.
pub(crate) fn parts(folder: &Path) -> [Option<PathBuf>; 3] {
    let entries = entries(folder).unwrap_or_default();
    PARTS.map(|names| {
        let named = |name: &&str| {
            let is_it =
                |path: &PathBuf| path.file_name().is_some_and(|n| n.eq_ignore_ascii_case(name));
            entries.iter().map(|entry| entry.path()).find(|path| is_it(path) && path.is_dir())
        };
        names.iter().find_map(named)
    })
}

/// Loads the images in the parts of `folder`, each prepared by [`images::to_network`], in the order of the classes and
/// then of the files' names. `path` is what the user named.
///
/// Memory: the prepared images, at most [`MAX_IMAGES`] a part, and one decoded image a thread, whose size `images`
/// limits.
pub(crate) fn load(
    path: &Path,
    folder: &Path,
    prepare: Prepare,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let [train, val, test] = parts(folder);
    let missing = |part: &str| Error::Part { path: folder.join(part), has_val: val.is_some() };
    let train_path = train.ok_or_else(|| missing("train"))?;
    let test_path = test.ok_or_else(|| missing("test"))?;
    let trained = classes(&train_path, MIN_CLASSES)?;
    let tested = classes(&test_path, MIN_CLASSES)?;
    check_same((&train_path, &trained), (&test_path, &tested))?;

    let names: Vec<&str> = trained.iter().map(|class| class.name.as_str()).collect();
    let preparation = preparation::of_files(prepare, &names);
    let mut examples =
        |path: &Path, here: &[Class]| examples(path, &trained, here, preparation, on_event);
    let mut train = examples(&train_path, &trained)?;
    let test = examples(&test_path, &tested)?;
    let mut n_val = 0;
    if let Some(val_path) = val {
        let val = examples(&val_path, &classes(&val_path, 1)?)?;
        n_val = val.len();
        train.pixels.extend(val.pixels);
        train.labels.extend(val.labels);
        on_event(Event::Notice(&format!(
            "{} has {n_val} images: validation uses these, and val_fraction has no effect unless it is 0",
            val_path.display()
        )));
    }
    Ok(Dataset {
        name: folder_name(path),
        source: Source::Directory(path.to_owned()),
        synthetic: false,
        classes: trained.into_iter().map(|class| class.name).collect(),
        shape: SHAPE,
        preparation,
        sha256: hash(&train, &test),
        train,
        n_val,
        test,
    })
}

/// The prepared images of the class folders `here` under `path`; a label is an index into `classes`.
///
/// Blank images are left out, and so is what is not an image; a notice counts both. Files that cannot be read are one
/// error, which lists them.
fn examples(
    path: &Path,
    classes: &[Class],
    here: &[Class],
    preparation: Preparation,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Examples> {
    let (mut files, mut labels, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for class in here {
        let label = classes.iter().position(|known| known.name == class.name);
        let label = label.ok_or_else(|| class.unknown(path))? as u8;
        let ClassFiles { images, others: skipped } = files::of_class(&class.folder)?;
        labels.resize(labels.len() + images.len(), label);
        files.extend(images);
        others.extend(skipped);
        check_count(path, files.len())?;
    }
    notify_skipped("that are no images", &others, on_event);
    let size = SHAPE.size();
    let mut pixels = vec![0; files.len() * size];
    let results: Vec<images::Result<()>> = pixels
        .par_chunks_exact_mut(size)
        .zip(&files)
        .map(|(pixels, file)| {
            let grey = images::read(file)?;
            let prepared = images::to_network(&grey, SHAPE, preparation);
            pixels.copy_from_slice(&prepared.map_err(|error| error.of(file))?.pixels);
            Ok(())
        })
        .collect();

    let (mut blank, mut broken) = (Vec::new(), Vec::new());
    let mut kept = 0;
    for (position, result) in results.into_iter().enumerate() {
        match result {
            Ok(()) => {
                pixels.copy_within(position * size..(position + 1) * size, kept * size);
                labels[kept] = labels[position];
                kept += 1;
            }
            Err(error) if is_blank(&error) => blank.push(files[position].clone()),
            Err(error) => broken.push(error),
        }
    }
    if !broken.is_empty() {
        let mut list: Vec<_> = broken.iter().take(MOST_LISTED).map(reasons).collect();
        list.extend(
            (broken.len() > MOST_LISTED)
                .then(|| format!("and {} more", broken.len() - MOST_LISTED)),
        );
        return Err(Error::Images {
            path: path.to_owned(),
            n: broken.len(),
            list: list.join("\n  "),
        });
    }
    pixels.truncate(kept * size);
    labels.truncate(kept);
    notify_skipped("without contrast", &blank, on_event);
    for class in here {
        if !labels.iter().any(|&label| classes[usize::from(label)].name == class.name) {
            return Err(class.empty());
        }
    }
    notify_colours(path, &files, on_event);
    Ok(Examples { shape: SHAPE, pixels, labels })
}

/// Whether an image has nothing that differs from its background.
fn is_blank(error: &images::Error) -> bool {
    matches!(error, images::Error::File { source, .. } if matches!(**source, images::Error::Blank))
}

/// An error and its sources in one line.
fn reasons(error: &images::Error) -> String {
    let error: &dyn std::error::Error = error;
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn notify_skipped(what: &str, files: &[PathBuf], on_event: &mut dyn FnMut(Event<'_>)) {
    if !files.is_empty() {
        let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        let noun = if names.len() == 1 { "file" } else { "files" };
        on_event(Event::Notice(&format!(
            "skipped {} {noun} {what}: {}",
            names.len(),
            list(&names)
        )));
    }
}

/// Says so where images have colours, which the network does not see.
fn notify_colours(path: &Path, files: &[PathBuf], on_event: &mut dyn FnMut(Event<'_>)) {
    let sample: Vec<_> = files.iter().step_by(files.len().div_ceil(COLOUR_SAMPLE).max(1)).collect();
    let coloured = sample.par_iter().filter(|file| images::has_colour(file)).count();
    if coloured > 0 {
        on_event(Event::Notice(&format!(
            "{coloured} of {} images looked at in {} have colours: only their brightness is used, so classes that \
             differ in colour alone look the same",
            sample.len(),
            path.display()
        )));
    }
}

/// Refuses more than [`MAX_IMAGES`] images, before any is read.
fn check_count(path: &Path, n: usize) -> Result<()> {
    if n <= MAX_IMAGES {
        return Ok(());
    }
    let reason = format!("it contains more than {MAX_IMAGES} images: remove some");
    Err(Error::Classes { path: path.to_owned(), reason })
}

#[cfg(test)]
mod tests;
