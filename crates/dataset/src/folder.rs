//! Folders of image files: `train/CLASS/*` and `test/CLASS/*`, with `val/CLASS/*` where there is one; or `CLASS/*` alone.

pub(crate) mod classes;
mod files;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::event::Event;
use crate::layout::{entries, notify_skipped};
use crate::listing::{Listing, Part};
use classes::{Class, MIN_CLASSES, check_same, classes};
pub(crate) use files::EXTENSIONS;
use files::{ClassFiles, has_image, is_image};

/// What the parts of training, validation and test images are called, in any case.
pub(crate) const PARTS: [&[&str]; 3] =
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

/// The folders in `folder` in which there are image files, also further down; at most two are looked for.
pub(crate) fn has_classes(folder: &Path) -> bool {
    let folders = entries(folder).unwrap_or_default().into_iter().map(|entry| entry.path());
    folders.filter(|path| path.is_dir() && has_image(path)).take(MIN_CLASSES).count() == MIN_CLASSES
}

/// The images in the parts of `folder`, in the order of the classes and then of the files' names. Files that are no images
/// are left out, and a notice counts them.
///
/// # Errors
/// [`Error::Part`], [`Error::Classes`], [`Error::Read`].
pub(crate) fn listing_of_parts(
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Listing> {
    let [train, val, test] = parts(folder);
    let missing = |part: &str| Error::Part { path: folder.join(part), has_val: val.is_some() };
    let train = train.ok_or_else(|| missing("train"))?;
    let test = test.ok_or_else(|| missing("test"))?;
    let used = [Some(train.as_path()), val.as_deref(), Some(test.as_path())];
    let is_used = |path: &Path| used.contains(&Some(path));
    notify_beside("beside the folders of the parts", folder, is_used, on_event);
    let trained = classes(&train, MIN_CLASSES)?;
    let tested = classes(&test, MIN_CLASSES)?;
    check_same((&train, &trained), (&test, &tested))?;

    let mut part = |path: &Path, here: &[Class]| part(folder, path, &trained, here, on_event);
    let [train, test] = [part(&train, &trained)?, part(&test, &tested)?];
    let val = val.map(|path| part(&path, &classes(&path, 1)?)).transpose()?;
    let classes = trained.into_iter().map(|class| class.name).collect();
    Ok(Listing { root: folder.to_owned(), classes, train, val, test: Some(test) })
}

/// The images in the folders of classes in `folder`, in the order of the classes and then of the files' names. Folders
/// without images and files that are no images are left out, and a notice counts them.
///
/// # Errors
/// [`Error::Classes`], [`Error::Read`].
pub(crate) fn listing_of_classes(
    folder: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Listing> {
    let mut classes = classes(folder, MIN_CLASSES)?;
    let empty: Vec<PathBuf> = classes.iter().map(|class| class.folder.clone()).collect();
    let empty: Vec<PathBuf> = empty.into_iter().filter(|path| !has_image(path)).collect();
    notify_skipped("without images", &empty, on_event);
    notify_beside("outside the folders of classes", folder, Path::is_dir, on_event);
    classes.retain(|class| !empty.contains(&class.folder));
    let train = part(folder, folder, &classes, &classes, on_event)?;
    let classes = classes.into_iter().map(|class| class.name).collect();
    Ok(Listing { root: folder.to_owned(), classes, train, val: None, test: None })
}

/// Says which images in `folder`, and folders with images, are left out: those that are not `used`.
fn notify_beside(
    what: &str,
    folder: &Path,
    used: impl Fn(&Path) -> bool,
    on_event: &mut dyn FnMut(Event<'_>),
) {
    let has_images = |path: &Path| if path.is_dir() { has_image(path) } else { is_image(path) };
    let paths = entries(folder).unwrap_or_default().into_iter().map(|entry| entry.path());
    let beside: Vec<_> = paths.filter(|path| !used(path) && has_images(path)).collect();
    notify_skipped(what, &beside, on_event);
}

/// The number of images in a folder and in the folders in it.
pub(crate) fn count_images(folder: &Path) -> usize {
    files::of_class(folder).map_or(0, |files| files.images.len())
}

/// The files of the classes `here` in `place`, relative to `root`; a label is an index into `classes`.
fn part(
    root: &Path,
    place: &Path,
    classes: &[Class],
    here: &[Class],
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Part> {
    let mut part = Part { place: place.to_owned(), ..Part::default() };
    let mut others = Vec::new();
    for class in here {
        let label = classes.iter().position(|known| known.name == class.name);
        let label = label.ok_or_else(|| class.unknown(place))? as u16;
        part.classes.push((label, class.folder.clone()));
        let ClassFiles { images, others: skipped } = files::of_class(&class.folder)?;
        part.labels.resize(part.labels.len() + images.len(), label);
        let relative = |path: PathBuf| path.strip_prefix(root).map(Path::to_owned).unwrap_or(path);
        part.paths.extend(images.into_iter().map(relative));
        others.extend(skipped);
        part.check_count()?;
    }
    let what = if others.len() == 1 { "that is no image" } else { "that are no images" };
    notify_skipped(what, &others, on_event);
    Ok(part)
}

#[cfg(test)]
mod tests;
