//! Several runs side by side: the plot, the settings in which they differ, and their figures.

mod plot;

use std::path::{Path, PathBuf};

use run::{Config, DatasetFacts, EpochMetrics, Evaluation, lowest};

use crate::drawing::{Plot, markers::SHAPES};
use crate::error::{Error, Result};
use crate::html::{banner, breakable, document, section, table, text};
use crate::numbers::{accuracy, count, duration, loss, plural, points, signed};
use crate::write_files;

/// File name of the page.
const PAGE: &str = "comparison.html";

/// What the banner says about synthetic data.
const SYNTHETIC: &str = "kiln drew the images of the marked runs itself. Their figures say nothing about real \
                         handwriting.";

/// Runs on different images are not comparable, however similar their curves look.
const DIFFERENT_DATA: &str =
    "<p>These runs used different images, so their figures cannot be compared directly.</p>";

/// Figure of a run that has not been evaluated.
const UNTESTED: &str = "not tested";

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
    let page = page(runs, &plot);
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

/// The page: the plot, the settings in which the runs differ, and their figures.
fn page(runs: &[ComparedRun], plot: &Plot) -> String {
    let mut main = String::new();
    if runs.iter().any(|run| run.facts.synthetic) {
        main += &banner(SYNTHETIC);
    }
    if runs.windows(2).any(|pair| pair[0].facts.sha256 != pair[1].facts.sha256) {
        main += &section("data", "Different data", DIFFERENT_DATA);
    }
    main += &section("curves", "Training curves", &plot.figure());
    main += &section("settings", "Settings that differ", &settings(runs));
    main += &section("figures", "Figures", &figures(runs));
    let title = format!("{} compared", plural(runs.len(), "run", "runs"));
    document(&title, "kiln comparison", &format!("<h1>{title}</h1>"), &main)
}

fn settings(runs: &[ComparedRun]) -> String {
    let differing = differing_settings(runs);
    if differing.is_empty() {
        return "<p>There are none.</p>".to_owned();
    }
    let rows = differing.iter().map(|(key, values)| {
        let values = values.iter().map(|value| breakable(value));
        [text(key)].into_iter().chain(values).collect()
    });
    table("", &columns("Setting", runs), &rows.collect::<Vec<_>>())
}

/// A figure of a run as text.
type Figure = fn(&ComparedRun) -> Option<String>;

/// Name and value of every figure, `None` where the run has not been evaluated.
const FIGURES: [(&str, Figure); 14] = [
    ("Data", |run| Some(text(&run.facts.name))),
    ("Test accuracy", |run| Some(accuracy(run.evaluation?.accuracy))),
    ("Balanced test accuracy", |run| {
        Some(run.evaluation?.balanced_accuracy.map_or("not measured".to_owned(), accuracy))
    }),
    ("Macro F1", |run| Some(run.evaluation?.macro_f1.map_or("not measured".to_owned(), accuracy))),
    ("Test errors", |run| {
        Some(format!("{} of {}", count(run.evaluation?.errors), count(run.facts.n_test)))
    }),
    ("Test loss", |run| Some(loss(run.evaluation?.loss))),
    ("Training loss, as tested", |run| Some(loss(run.evaluation?.train.loss))),
    ("Validation loss, as tested", |run| {
        Some(run.evaluation?.val.map_or("none".to_owned(), |val| loss(val.loss)))
    }),
    ("Gap of test to training loss", |run| {
        run.evaluation.map(|e| signed(e.loss - e.train.loss, loss))
    }),
    ("Gap of test to training accuracy", |run| {
        run.evaluation.map(|e| signed(e.accuracy - e.train.accuracy, points))
    }),
    ("Epochs", |run| Some(count(run.metrics.len()))),
    ("Best epoch by validation", |run| {
        Some(lowest(run.metrics).map_or("none".to_owned(), |(row, _)| row.epoch.to_string()))
    }),
    ("Tested epoch", |run| Some(run.evaluation?.epoch.to_string())),
    ("Training time", |run| Some(duration(run.metrics.iter().map(|row| row.seconds).sum()))),
];

fn figures(runs: &[ComparedRun]) -> String {
    let rows = FIGURES.map(|(name, value)| {
        let values = runs.iter().map(|run| value(run).unwrap_or_else(|| UNTESTED.to_owned()));
        [name.to_owned()].into_iter().chain(values).collect()
    });
    let caption =
        "As tested: the tested weights on the original images, dropout and augmentation off.";
    table(caption, &columns("Figure", runs), &rows)
}

fn columns(first: &str, runs: &[ComparedRun]) -> Vec<String> {
    let names = runs.iter().map(|run| breakable(&label(run)));
    [first.to_owned()].into_iter().chain(names).collect()
}
