//! Several runs beside one another.

mod labels;
mod page;
mod picture;
mod quantity;

use std::path::{Path, PathBuf};

use run::{Config, DatasetFacts, EpochMetrics, Evaluation};

use crate::error::{Error, Result};
use crate::marks::SHAPES;
use crate::{write_file, write_picture};

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
    /// The one look at the test set; `None` where it has not been taken.
    pub evaluation: Option<&'a Evaluation>,
}

/// Draws `comparison.png` and `comparison.svg`, the losses and accuracies of 1 to 12 runs over
/// their epochs, and writes `comparison.html` with the picture, the settings in which the runs
/// differ and their figures. It opens without a network.
///
/// Returns the files it wrote, the page last. `directory` is created where it is missing; files of
/// an earlier comparison are replaced one by one, each of them whole.
///
/// # Errors
/// [`Error::Count`] for no runs or more than 12, [`Error::Empty`] where one has no epochs, both
/// before anything is written; [`Error::Draw`]; [`Error::Run`] where a file cannot be written.
pub fn write_comparison(runs: &[ComparedRun], directory: &Path) -> Result<Vec<PathBuf>> {
    if runs.is_empty() || runs.len() > SHAPES {
        return Err(Error::Count { what: "runs", found: runs.len(), least: 1, most: SHAPES });
    }
    if runs.iter().any(|run| run.metrics.is_empty()) {
        return Err(Error::Empty { what: "epochs in the metrics" });
    }
    let drawing = picture::Comparison { runs };
    let mut written = write_picture(&drawing, directory)?.to_vec();
    written.push(write_file(directory, PAGE, page::html(&drawing)?.as_bytes())?);
    Ok(written)
}

/// The settings in which the runs differ, in the order of the configuration: the key, and every
/// run's value in the order of the runs, as TOML writes it but without quotation marks.
#[must_use]
pub fn differing_settings(runs: &[ComparedRun]) -> Vec<(String, Vec<String>)> {
    let settings: Vec<_> = runs.iter().map(|run| settings(run.config)).collect();
    let Some(first) = settings.first() else { return Vec::new() };
    let row = |position: usize| -> Vec<String> {
        settings.iter().map(|of_run| of_run[position].1.clone()).collect()
    };
    (0..first.len())
        .map(|position| (first[position].0.clone(), row(position)))
        .filter(|(_, values)| values.iter().any(|value| *value != values[0]))
        .collect()
}

/// Key and value of every setting, in the order of the configuration. Where a value is text of
/// several lines, all up to the next key are its own: every configuration has the same keys.
fn settings(config: &Config) -> Vec<(String, String)> {
    let defaults = Config::default().to_toml();
    let mut keys = defaults.lines().filter_map(|line| line.split_once(" = ")).peekable();
    let mut settings: Vec<(String, String)> = Vec::new();
    for line in config.to_toml().lines() {
        let setting = line
            .split_once(" = ")
            .filter(|(key, _)| keys.next_if(|(expected, _)| expected == key).is_some());
        match (setting, settings.last_mut()) {
            (Some((key, value)), _) => settings.push((key.to_owned(), value.to_owned())),
            (None, Some((_, text))) => *text += &format!("\n{line}"),
            (None, None) => {}
        }
    }
    for (_, value) in &mut settings {
        *value = value.trim_matches(['"', '\'']).trim().to_owned();
    }
    settings
}

/// Name of the run, with a word on made-up data.
fn label(run: &ComparedRun) -> String {
    if run.facts.synthetic { format!("{} (synthetic)", run.name) } else { run.name.to_owned() }
}
