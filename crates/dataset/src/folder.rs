//! Folders of image files: `train/CLASS/*` and `test/CLASS/*`, and `val/CLASS/*` where there is one.

mod classes;
mod files;

use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;
use run::DataSettings;

use crate::dataset::{Dataset, folder_name, hash};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::layout::{entries, list};
use crate::preparation::{self, Sample};
use crate::source::Source;
use classes::{Class, MIN_CLASSES, check_same, classes};
use files::ClassFiles;

/// Images in `train` or in `test`.
const MAX_IMAGES: usize = 4_000_000;
/// The most files that one error lists.
const MOST_LISTED: usize = 20;
/// How many images are looked at for their sizes and colours: enough to see a class in colour among a hundred.
const SAMPLE: usize = 500;
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
    settings: &DataSettings,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let [train, val, test] = parts(folder);
    let missing = |part: &str| Error::Part { path: folder.join(part), has_val: val.is_some() };
    let train = train.ok_or_else(|| missing("train"))?;
    let test = test.ok_or_else(|| missing("test"))?;
    let trained = classes(&train, MIN_CLASSES)?;
    let tested = classes(&test, MIN_CLASSES)?;
    check_same((&train, &trained), (&test, &tested))?;

    let mut files = |path: &Path, here: &[Class]| Files::find(path, &trained, here, on_event);
    let [train, test] = [files(&train, &trained)?, files(&test, &tested)?];
    let val = val.map(|path| files(&path, &classes(&path, 1)?)).transpose()?;
    let names: Vec<&str> = trained.iter().map(|class| class.name.as_str()).collect();
    let sample = sample(&train.paths);
    let preparation = preparation::of_files(settings, &names, &sample);
    let shape = preparation::shape(settings, &sample, preparation, on_event)?;
    if shape.channels == 1 && sample.n_coloured > 0 {
        on_event(Event::Notice(&format!(
            "{} of {} images looked at in {} have colours: only their brightness is used, so classes that differ in \
             colour alone look the same (--color rgb)",
            sample.n_coloured,
            sample.sides.len(),
            train.folder.display()
        )));
    }

    let mut read = |files: Files| files.read(&trained, shape, preparation, on_event);
    let (mut train, test) = (read(train)?, read(test)?);
    let mut n_val = 0;
    if let Some(files) = val {
        let folder = files.folder.clone();
        let val = read(files)?;
        n_val = val.len();
        train.pixels.extend(val.pixels);
        train.labels.extend(val.labels);
        on_event(Event::Notice(&format!(
            "{} has {n_val} images: validation uses these, and val_fraction has no effect unless it is 0",
            folder.display()
        )));
    }
    Ok(Dataset {
        name: folder_name(path),
        source: Source::Directory(path.to_owned()),
        synthetic: false,
        classes: trained.into_iter().map(|class| class.name).collect(),
        shape,
        preparation,
        sha256: hash(&train, &test),
        train,
        n_val,
        test,
    })
}

/// The image files of a part, and the class of each.
struct Files {
    /// The part's folder.
    folder: PathBuf,
    paths: Vec<PathBuf>,
    /// Indices of classes.
    labels: Vec<u16>,
    /// The folder of every class, with its index.
    classes: Vec<(u16, PathBuf)>,
}

impl Files {
    /// The files of the classes `here` in `folder`; a label is an index into `classes`. What is not an image is left out,
    /// and a notice counts it.
    fn find(
        folder: &Path,
        classes: &[Class],
        here: &[Class],
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<Self> {
        let (mut paths, mut labels, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let mut folders = Vec::new();
        for class in here {
            let label = classes.iter().position(|known| known.name == class.name);
            let label = label.ok_or_else(|| class.unknown(folder))? as u16;
            folders.push((label, class.folder.clone()));
            let ClassFiles { images, others: skipped } = files::of_class(&class.folder)?;
            labels.resize(labels.len() + images.len(), label);
            paths.extend(images);
            others.extend(skipped);
            check_count(folder, paths.len())?;
        }
        notify_skipped("that are no images", &others, on_event);
        Ok(Self { folder: folder.to_owned(), paths, labels, classes: folders })
    }

    /// The prepared images. Blank ones are left out, and a notice counts them. Files that cannot be read are one error,
    /// which lists them.
    fn read(
        self,
        classes: &[Class],
        shape: ImageShape,
        preparation: Preparation,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<Examples> {
        let Self { folder, paths, mut labels, classes: folders } = self;
        let size = shape.size();
        let mut pixels = vec![0; paths.len() * size];
        let results: Vec<images::Result<()>> = pixels
            .par_chunks_exact_mut(size)
            .zip(&paths)
            .map(|(pixels, file)| {
                let prepared = images::to_network(&images::read(file)?, shape, preparation);
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
                Err(error) if is_blank(&error) => blank.push(paths[position].clone()),
                Err(error) => broken.push(error),
            }
        }
        if !broken.is_empty() {
            return Err(unreadable(folder, &broken));
        }
        pixels.truncate(kept * size);
        labels.truncate(kept);
        notify_skipped("without contrast", &blank, on_event);
        let is_empty = |(label, _): &&(u16, PathBuf)| !labels.contains(label);
        if let Some((label, folder)) = folders.iter().find(is_empty) {
            let name = classes[usize::from(*label)].name.clone();
            return Err(Class { name, folder: folder.clone() }.empty());
        }
        Ok(Examples { shape, pixels, labels })
    }
}

/// The error of files that cannot be read.
fn unreadable(path: PathBuf, broken: &[images::Error]) -> Error {
    let mut list: Vec<_> = broken.iter().take(MOST_LISTED).map(reasons).collect();
    let more = broken.len().saturating_sub(MOST_LISTED);
    list.extend((more > 0).then(|| format!("and {more} more")));
    Error::Images { path, n: broken.len(), list: list.join("\n  ") }
}

/// Sides and colours of some of the files, evenly chosen; those that cannot be read are left to be reported later.
fn sample(files: &[PathBuf]) -> Sample {
    let chosen: Vec<_> = files.iter().step_by(files.len().div_ceil(SAMPLE).max(1)).collect();
    let looked: Vec<_> = chosen
        .par_iter()
        .filter_map(|file| images::read(file).ok())
        .map(|image| ([image.height(), image.width()], image.has_colour()))
        .collect();
    Sample {
        sides: looked.iter().map(|(sides, _)| *sides).collect(),
        n_coloured: looked.iter().filter(|(_, coloured)| *coloured).count(),
    }
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
