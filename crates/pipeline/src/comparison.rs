//! Several runs side by side.

use std::path::{Path, PathBuf};

use report::ComparedRun;
use run::{Config, DatasetFacts, EpochMetrics, Evaluation, RunDirectory, read_json};

use crate::error::Result;
use crate::reporting::read_if_there;

/// A comparison of runs.
pub struct Comparison {
    /// The settings in which the runs differ: key, and the value of every run.
    pub settings: Vec<(String, Vec<String>)>,
    /// Figures: name, and the value of every run as text.
    pub figures: Vec<(&'static str, Vec<String>)>,
    /// The files that were written.
    pub files: Vec<PathBuf>,
}

/// Compares the runs called `names` below `runs`: curves, settings and figures, as plots and a page in `output`.
///
/// # Errors
/// [`Error::Run`](crate::Error::Run) where a run or one of its records is missing;
/// [`Error::Report`](crate::Error::Report).
pub fn compare(runs: &Path, names: &[String], output: &Path) -> Result<Comparison> {
    let records = names.iter().map(|name| read(runs, name)).collect::<Result<Vec<_>>>()?;
    let compared: Vec<_> = records.iter().map(Records::compared).collect();
    let files = report::write_comparison(&compared, output)?;
    let figures = FIGURES.map(|(name, figure)| (name, records.iter().map(figure).collect()));
    let settings = report::differing_settings(&compared);
    Ok(Comparison { settings, figures: figures.to_vec(), files })
}

/// The records of one run.
struct Records {
    name: String,
    config: Config,
    facts: DatasetFacts,
    metrics: Vec<EpochMetrics>,
    evaluation: Option<Evaluation>,
}

type Figure = fn(&Records) -> String;

const FIGURES: [(&str, Figure); 6] = [
    ("test accuracy", |run| figure(run, |e| format!("{:.2} %", e.accuracy * 100.0))),
    ("balanced accuracy", |run| {
        figure(run, |e| {
            e.balanced_accuracy.map_or("-".to_owned(), |of| format!("{:.2} %", of * 100.0))
        })
    }),
    ("errors", |run| figure(run, |e| e.errors.to_string())),
    ("test loss", |run| figure(run, |e| format!("{:.4}", e.loss))),
    // Not every run has validation images, and one run's training must not stand beside another's validation.
    ("test to training", |run| figure(run, |e| format!("{:+.4}", e.loss - e.train.loss))),
    ("seconds", |run| format!("{:.1}", run.metrics.iter().map(|row| row.seconds).sum::<f64>())),
];

/// A figure of the evaluation; a dash for a run that was not evaluated.
fn figure(run: &Records, of: fn(&Evaluation) -> String) -> String {
    run.evaluation.as_ref().map_or("-".to_owned(), of)
}

fn read(runs: &Path, name: &str) -> Result<Records> {
    let run = RunDirectory::open(runs, Some(name))?;
    let config = Config::read(&run.config())?;
    let facts: DatasetFacts = read_json(&run.dataset())?;
    let metrics = train::checked_metrics(&run, &config, &facts)?;
    let evaluation = read_if_there(&run.evaluation())?;
    Ok(Records { name: run.name(), config, facts, metrics, evaluation })
}

impl Records {
    fn compared(&self) -> ComparedRun<'_> {
        ComparedRun {
            name: &self.name,
            config: &self.config,
            facts: &self.facts,
            metrics: &self.metrics,
            evaluation: self.evaluation.as_ref(),
        }
    }
}
