//! Where the data are in a folder that a user names: in it, or some folders further down, as archives unpack.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::event::Event;
use crate::{csv_file, folder, idx};

/// Folders between the named one and the data: torchvision has `ROOT/MNIST/raw`, archives have a folder of their name.
const DEPTH: usize = 3;
/// The most folders that are looked into, so that a wrong path ends soon.
const MOST_FOLDERS: usize = 2_000;
/// The most names that a message lists.
const LISTED: usize = 5;

/// What a folder of data contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Four IDX files.
    Idx,
    /// Folders of classes in `train` and `test`.
    Parts,
    /// Folders of classes.
    Classes,
    /// A CSV of paths and labels.
    Labels(PathBuf),
    /// A CSV of labels and pixels, and one of test images where there is one.
    Pixels {
        /// The training images.
        train: PathBuf,
        /// The test images.
        test: Option<PathBuf>,
    },
}

/// The folder with the data in `path`, and what it contains. A notice says where they were found, if not in `path` itself.
///
/// # Errors
/// [`Error::NoData`] with what was found instead; [`Error::SeveralSets`]; [`Error::Read`].
pub(crate) fn find(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<(PathBuf, Layout)> {
    let here = match layout(path, false) {
        Some(layout) => Some(layout),
        None => csv_file::find(path, on_event)?,
    };
    if let Some(layout) = here {
        return Ok((path.to_owned(), layout));
    }
    let mut found = Vec::new();
    search(path, DEPTH, &mut 0, &mut found);
    match found.len() {
        0 => classes_or_list(path, on_event),
        1 => {
            let (folder, layout) = found.remove(0);
            on_event(Event::Notice(&format!("the images are read from {}", folder.display())));
            Ok((folder, layout))
        }
        _ => {
            let folders = found.iter().map(|(folder, _)| folder.display().to_string());
            Err(Error::SeveralSets {
                path: path.to_owned(),
                sets: list(&folders.collect::<Vec<_>>()),
            })
        }
    }
}

/// Folders of classes in `path`, or in the only folder in it, and so on; a list of images there counts too.
fn classes_or_list(path: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<(PathBuf, Layout)> {
    let mut folder = path.to_owned();
    for depth in 0..=DEPTH {
        let list = if depth > 0 { csv_file::find(&folder, on_event)? } else { None };
        let has_classes = || folder::has_classes(&folder).then_some(Layout::Classes);
        if let Some(layout) = list.or_else(has_classes) {
            if depth > 0 {
                let notice = format!("the images are read from {}", folder.display());
                on_event(Event::Notice(&notice));
            }
            return Ok((folder, layout));
        }
        let entries = entries(&folder).unwrap_or_default();
        let mut folders = entries.iter().map(DirEntry::path).filter(|path| path.is_dir());
        match (folders.next(), folders.next()) {
            (Some(only), None) => folder = only,
            _ => break,
        }
    }
    Err(Error::NoData { path: path.to_owned(), found: describe(path) })
}

/// What `folder` itself contains. With `both`, training alone is not enough.
fn layout(folder: &Path, both: bool) -> Option<Layout> {
    if idx::is_in(folder) {
        return Some(Layout::Idx);
    }
    // Without folders of classes, `train` may be a class of trains, or hold the images of a list.
    let has_folders = |part: &PathBuf| {
        entries(part).unwrap_or_default().iter().any(|entry| entry.path().is_dir())
    };
    let [train, _, test] = folder::parts(folder).map(|part| part.filter(has_folders).is_some());
    let is_data = if both { train && test } else { train || test };
    is_data.then_some(Layout::Parts)
}

/// The folders of data below `folder`, not below one another.
fn search(folder: &Path, depth: usize, looked: &mut usize, found: &mut Vec<(PathBuf, Layout)>) {
    for entry in entries(folder).unwrap_or_default() {
        let path = entry.path();
        if *looked == MOST_FOLDERS || !path.is_dir() {
            continue;
        }
        *looked += 1;
        match layout(&path, true) {
            Some(layout) => found.push((path, layout)),
            None if depth > 1 => search(&path, depth - 1, looked, found),
            None => {}
        }
    }
}

/// The entries of a folder, sorted by name, without hidden ones and without what macOS adds to archives.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn entries(folder: &Path) -> Result<Vec<DirEntry>> {
    let unreadable = |source| Error::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>().map_err(unreadable)?;
    entries.retain(|entry| {
        let name = entry.file_name();
        !name.as_encoded_bytes().starts_with(b".") && name != "__MACOSX"
    });
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// Says which files or folders are left out, unless there are none.
pub(crate) fn notify_skipped(what: &str, files: &[PathBuf], on_event: &mut dyn FnMut(Event<'_>)) {
    if !files.is_empty() {
        let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        let folders = files.iter().all(|file| file.is_dir());
        let noun = match (folders, names.len()) {
            (true, 1) => "folder",
            (true, _) => "folders",
            (false, 1) => "file",
            (false, _) => "files",
        };
        let (n, list) = (names.len(), list(&names));
        on_event(Event::Notice(&format!("skipped {n} {noun} {what}: {list}")));
    }
}

/// What a folder contains, for a message.
fn describe(folder: &Path) -> String {
    let (folders, files): (Vec<_>, Vec<_>) =
        entries(folder).unwrap_or_default().into_iter().partition(|entry| entry.path().is_dir());
    let describe = |entries: &[DirEntry], one: &str| {
        let names: Vec<_> =
            entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        match names.len() {
            0 => None,
            1 => Some(format!("a {one} {}", names[0])),
            n => Some(format!("{n} {one}s ({})", list(&names))),
        }
    };
    let parts: Vec<_> =
        [describe(&folders, "folder"), describe(&files, "file")].into_iter().flatten().collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(" and ") }
}

/// The first of some names, and how many more there are.
pub(crate) fn list(names: &[String]) -> String {
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names[..names.len().min(LISTED)].join(", ") + &more
}
