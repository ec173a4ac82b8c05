//! The classes of a folder: their names, their order, and that all parts have the same ones.

use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use crate::dataset::MAX_CLASSES;
use crate::error::{Error, Result};
use crate::layout::entries;

/// A classifier needs two classes at least.
pub(crate) const MIN_CLASSES: usize = 2;

/// A folder of images of one class.
#[derive(Debug)]
pub(super) struct Class {
    /// Name of the folder in Unicode's normalisation form C: macOS decomposes letters with accents, others do not.
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

impl Class {
    /// The error of a class in `part` that training does not have.
    pub(super) fn unknown(&self, part: &Path) -> Error {
        let reason = format!("class {} is not among the classes of training: remove it", self.name);
        Error::Classes { path: part.to_owned(), reason }
    }
}

/// The class folders in `path`: in numerical order if all names are numbers, else in alphabetical order.
///
/// # Errors
/// [`Error::Classes`] where there are fewer than `least` or too many, or a name cannot be shown.
pub(super) fn classes(path: &Path, least: usize) -> Result<Vec<Class>> {
    let refuse = |reason: String| Err(Error::Classes { path: path.to_owned(), reason });
    let mut classes: Vec<Class> = Vec::new();
    for entry in entries(path)? {
        let folder = entry.path();
        if !folder.is_dir() {
            continue;
        }
        let name = match entry.file_name().into_string() {
            Ok(name) => class_name(&name),
            Err(name) => Err(format!("the name {name:?} is not UTF-8: rename it")),
        };
        let name = match name {
            Ok(name) => name,
            Err(reason) => return refuse(reason),
        };
        if classes.iter().any(|class| class.name == name) {
            return refuse(format!(
                "two folders are named {name}, in different Unicode forms: merge them"
            ));
        }
        classes.push(Class { name, folder });
    }
    if !(least..=MAX_CLASSES).contains(&classes.len()) {
        return refuse(format!(
            "it has {} subfolders: make one for each class, {least} to {MAX_CLASSES} in all",
            classes.len()
        ));
    }
    let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    let order = order(&names);
    let mut classes: Vec<_> = classes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| classes[index].take()).collect())
}

/// The name of a class as kiln writes it, or what is wrong with it and what to do.
///
/// Names are the same in any Unicode form: macOS decomposes letters with accents, others do not.
pub(crate) fn class_name(name: &str) -> std::result::Result<String, String> {
    // A model with such a name could not be served.
    if name.chars().any(char::is_control) {
        return Err(format!("the name {name:?} has a tab or another control character: rename it"));
    }
    // They would turn round the text after the name, wherever it is shown (Unicode Standard Annex 9, section 2).
    if name.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) {
        return Err(format!(
            "the name {name:?} has an invisible character that changes the direction of text: rename it"
        ));
    }
    Ok(name.nfc().collect())
}

/// The indices of some names in the order of classes: numerical if all names are numbers, else alphabetical.
pub(crate) fn order(names: &[&str]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    let numbers: Option<Vec<u64>> = names.iter().map(|name| name.parse().ok()).collect();
    match numbers {
        Some(numbers) => order.sort_by_key(|&index| (numbers[index], names[index])),
        None => order.sort_by_key(|&index| names[index]),
    }
    order
}

/// Refuses two parts with different classes; each is its folder and its classes.
///
/// # Errors
/// [`Error::Classes`] naming the part in which a class is missing.
pub(super) fn check_same(first: (&Path, &[Class]), second: (&Path, &[Class])) -> Result<()> {
    for ((_, here), (elsewhere, there)) in [(first, second), (second, first)] {
        let is_missing = |class: &&Class| !there.iter().any(|other| other.name == class.name);
        if let Some(Class { name, .. }) = here.iter().find(is_missing) {
            let reason = format!("class {name} is missing: training and test need the same ones");
            return Err(Error::Classes { path: elsewhere.to_owned(), reason });
        }
    }
    Ok(())
}
