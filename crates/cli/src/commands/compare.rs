//! `compare`: several runs side by side.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use run::run_name;

use crate::console;

/// Which runs to compare.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Names of the runs
    #[arg(value_name = "RUN", required = true, value_parser = run_name)]
    names: Vec<String>,
    /// Folder for the plot and the page [default: .comparison in the folder of runs]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.output.clone().unwrap_or_else(|| run::comparison_folder(runs));
    let comparison = pipeline::compare(runs, &args.names, &output)?;
    console::heading("Settings that differ");
    let settings =
        comparison.settings.iter().map(|(key, values)| (key.as_str(), values.as_slice()));
    table(&args.names, settings);
    console::heading("Figures");
    let figures = comparison.figures.iter().map(|(name, values)| (*name, values.as_slice()));
    table(&args.names, figures);
    console::heading("Comparison");
    console::files(&comparison.files);
    Ok(ExitCode::SUCCESS)
}

/// Columns of a row's name.
const NAME: usize = 19;

/// Prints one column a run, or where that does not fit, one line a run below every row's name.
fn table<'a>(names: &[String], rows: impl Iterator<Item = (&'a str, &'a [String])>) {
    let rows: Vec<_> = rows.collect();
    let values = rows.iter().flat_map(|(_, values)| *values);
    let longest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let width = longest(&mut names.iter().chain(values)).max(12);
    if 2 + NAME + names.len() * (width + 2) <= console::columns() {
        let row = |name: &str, values: &[String]| {
            let cells: Vec<_> = values.iter().map(|value| format!("{value:>width$}")).collect();
            console::line(&format!("{name:<NAME$}  {}", cells.join("  ")));
        };
        row("", names);
        rows.iter().for_each(|(name, values)| row(name, values));
        return;
    }
    let width = longest(&mut names.iter()).min(30);
    for (row, values) in rows {
        console::line(row);
        for (name, value) in names.iter().zip(values) {
            console::row(&format!("  {:<width$}  {value}", console::shortened(name, width)));
        }
    }
}
