//! The progress of downloads, and what else loading says.

use std::cell::RefCell;

use super::Bar;
use crate::console::{complain, notice, warning};

/// Shows the events of loading.
pub(crate) struct Downloads {
    /// The file that is being received, and its bar.
    current: RefCell<Option<(String, Bar)>>,
}

impl Downloads {
    pub(crate) fn new() -> Self {
        Self { current: RefCell::new(None) }
    }

    /// Shows an event of loading.
    pub(crate) fn show(&self, event: &dataset::Event) {
        match event {
            dataset::Event::Notice(text) => {
                self.current.take();
                notice(text);
            }
            dataset::Event::Warning(text) => {
                self.current.take();
                warning(text);
            }
            dataset::Event::Downloading { file, received, total } => {
                let mut current = self.current.borrow_mut();
                if current.as_ref().is_none_or(|(name, _)| name != file) {
                    let bar = Bar::new();
                    if !bar.is_live {
                        complain(&format!("downloading {file}"));
                    }
                    *current = Some(((*file).to_owned(), bar));
                }
                if let Some((name, bar)) = current.as_mut() {
                    let fraction =
                        total.map_or(0.0, |total| *received as f64 / total.max(1) as f64);
                    bar.show(name, fraction, &format!("{:.1} MB", *received as f64 / 1e6));
                }
            }
            dataset::Event::Reading { done, total } if done == total => drop(self.current.take()),
            dataset::Event::Reading { done, total } => {
                let mut current = self.current.borrow_mut();
                let (_, bar) = current.get_or_insert_with(|| ("images".to_owned(), Bar::new()));
                let fraction = *done as f64 / (*total).max(1) as f64;
                bar.show("reading images", fraction, &format!("{done} of {total}"));
            }
            _ => {}
        }
    }
}
