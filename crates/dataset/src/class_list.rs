//! The classes that the rows of a table name.

use std::collections::HashMap;
use std::path::Path;

use crate::dataset::MAX_CLASSES;
use crate::error::{Error, Result};
use crate::folder::classes::{MIN_CLASSES, class_name, order};

/// Names of classes in the order in which they were met.
#[derive(Default)]
pub(crate) struct ClassList {
    names: Vec<String>,
    labels: HashMap<String, u16>,
}

impl ClassList {
    /// The label of a name, a new one where it was not met before; or what is wrong, and what to do.
    pub(crate) fn label(&mut self, name: &str) -> std::result::Result<u16, String> {
        if let Some(&label) = self.labels.get(name) {
            return Ok(label);
        }
        let known = class_name(name)?;
        let found = self.names.iter().position(|name| *name == known);
        let label = found.unwrap_or(self.names.len());
        if label == MAX_CLASSES {
            return Err(format!(
                "'{name}' is one label more than {MAX_CLASSES}: check that the column of labels is the right one"
            ));
        }
        if found.is_none() {
            self.names.push(known);
        }
        self.labels.insert(name.to_owned(), label as u16);
        Ok(label as u16)
    }

    /// The label of a name that was met before.
    pub(crate) fn known(&self, name: &str) -> Option<u16> {
        self.labels.get(name).copied()
    }

    /// The names in the order of classes, and for every label that was given out its index among them.
    ///
    /// # Errors
    /// [`Error::Classes`] naming `path` where there are too few.
    pub(crate) fn finish(self, path: &Path) -> Result<(Vec<String>, Vec<u16>)> {
        let n = self.names.len();
        if n < MIN_CLASSES {
            let reason = format!(
                "it has {n} different labels: a classifier takes {MIN_CLASSES} to {MAX_CLASSES}"
            );
            return Err(Error::Classes { path: path.to_owned(), reason });
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let order = order(&names);
        let mut numbers = vec![0; n];
        (0..).zip(&order).for_each(|(number, &label)| numbers[label] = number);
        Ok((order.iter().map(|&label| names[label].to_owned()).collect(), numbers))
    }
}
