//! `cargo xtask compare`: several runs side by side.

use std::path::Path;
use std::process::ExitCode;

use report::ComparedRun;
use run::{Config, DatasetFacts, EpochMetrics, Evaluation, RunDirectory, read_json, read_metrics};

use crate::cli::CompareArgs;
use crate::console;

/// The folder of comparisons among the runs, which no run can take, as names of runs begin otherwise.
const FOLDER: &str = ".comparison";

/// The records of one run.
struct Records {
    name: String,
    config: Config,
    facts: DatasetFacts,
    metrics: Vec<EpochMetrics>,
    evaluation: Option<Evaluation>,
}

pub(crate) fn run(runs: &Path, args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let records: Vec<_> =
        args.names.iter().map(|name| read(runs, name)).collect::<anyhow::Result<_>>()?;
    let compared: Vec<_> = records.iter().map(Records::compared).collect();
    let folder = args.output.clone().unwrap_or_else(|| runs.join(FOLDER));
    let written = report::write_comparison(&compared, &folder)?;
    let width = args.names.iter().map(|name| name.len()).max().unwrap_or(0).max(12);
    console::heading("Settings that differ");
    let differing = report::differing_settings(&compared);
    let cells = |values: &[String]| {
        values.iter().map(|value| format!("{value:>width$}")).collect::<Vec<_>>().join("  ")
    };
    console::line(&format!("{:<16}  {}", "", cells(&args.names)));
    for (key, values) in &differing {
        console::line(&format!("{key:<16}  {}", cells(values)));
    }
    console::heading("Figures");
    for (name, figure) in FIGURES {
        let values: Vec<_> = records.iter().map(figure).collect();
        console::line(&format!("{name:<16}  {}", cells(&values)));
    }
    console::heading("Comparison");
    for path in written {
        console::line(&path.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said of a run.
type Figure = fn(&Records) -> String;

const FIGURES: [(&str, Figure); 5] = [
    ("test accuracy", |run| figure(run, |e| format!("{:.2} %", e.accuracy * 100.0))),
    ("errors", |run| figure(run, |e| e.errors.to_string())),
    ("test loss", |run| figure(run, |e| format!("{:.4}", e.loss))),
    ("gap of losses", |run| {
        figure(run, |e| {
            e.val.map_or("-".to_owned(), |val| format!("{:+.4}", val.loss - e.train.loss))
        })
    }),
    ("seconds", |run| format!("{:.1}", run.metrics.iter().map(|row| row.seconds).sum::<f64>())),
];

/// A figure of the evaluation; a dash for a run that was not evaluated.
fn figure(run: &Records, of: fn(&Evaluation) -> String) -> String {
    run.evaluation.as_ref().map_or("-".to_owned(), of)
}

fn read(runs: &Path, name: &str) -> anyhow::Result<Records> {
    let run = RunDirectory::open(runs, Some(name))?;
    let evaluation = match run.evaluation().exists() {
        true => Some(read_json(&run.evaluation())?),
        false => None,
    };
    Ok(Records {
        name: run.name(),
        config: Config::read(&run.config())?,
        facts: read_json(&run.dataset())?,
        metrics: read_metrics(&run.metrics())?,
        evaluation,
    })
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
