//! Several runs side by side.

mod page;
mod plot;

use std::path::{Path, PathBuf};

use run::{Config, DatasetFacts, EpochMetrics, Evaluation};

use crate::drawing::markers::SHAPES;
use crate::error::{Error, Result};
use crate::write_files;

/// File name of the page.
const PAGE: &str = "comparison.html";

/// One of the compared runs.
#[derive(Clone, Copy, Debug)]
pub struct ComparedRun<'a> {
    /// Name of the run, shown as it is.
    pub name: &'a str,
    /// The settings that it was trained with.
    pub config: &'a Config,
    /// What it was trained on.
    pub facts: &'a DatasetFacts,
    /// One row an epoch, in order, at least one.
    pub metrics: &'a [EpochMetrics],
    /// The scores on the test set; `None` where it has not been evaluated.
    pub evaluation: Option<&'a Evaluation>,
}

/// Writes `comparison.png` and `comparison.svg`, the losses and accuracies of 1 to 12 runs over their epochs, and
/// `comparison.html` with the plot, the settings in which the runs differ and their figures. It opens offline.
///
/// Returns the files it wrote, the page last. `directory` is created where it is missing; files of an earlier
/// comparison are replaced one by one, each atomically.
///
/// # Errors
/// [`Error::Count`] for no runs or more than 12, [`Error::Empty`] where one has no epochs, both before anything is
/// written; [`Error::Draw`]; [`Error::Run`] where a file cannot be written.
pub fn write_comparison(runs: &[ComparedRun], directory: &Path) -> Result<Vec<PathBuf>> {
    Error::check_count("runs", runs.len(), SHAPES)?;
    if runs.iter().any(|run| run.metrics.is_empty()) {
        return Err(Error::Empty("epochs in the metrics"));
    }
    let plot = plot::plot(runs);
    let page = page::html(runs, &plot);
    write_files(&[plot], Some((PAGE, page)), directory)
}

/// The settings in which the runs differ, in the order of the configuration: the key, and every run's value in the
/// order of the runs, as [`Config::settings`] writes it.
#[must_use]
pub fn differing_settings(runs: &[ComparedRun]) -> Vec<(String, Vec<String>)> {
    let settings: Vec<_> = runs.iter().map(|run| run.config.settings()).collect();
    let Some(first) = settings.first() else { return Vec::new() };
    let rows = first.iter().enumerate().map(|(position, (key, _))| {
        let values = settings.iter().map(|of_run| of_run[position].1.clone());
        (key.clone(), values.collect::<Vec<_>>())
    });
    rows.filter(|(_, values)| values.iter().any(|value| *value != values[0])).collect()
}

/// Name of the run, marked where its data are synthetic.
fn label(run: &ComparedRun) -> String {
    if run.facts.synthetic { format!("{} (synthetic)", run.name) } else { run.name.to_owned() }
}
