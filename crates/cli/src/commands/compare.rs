//! `compare`: several runs side by side.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::console;

/// Which runs to compare.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Names of the runs
    #[arg(value_name = "RUN", required = true)]
    names: Vec<String>,
    /// Folder for the plot and the page [default: .comparison in the folder of runs]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.output.clone().unwrap_or_else(|| run::comparison_folder(runs));
    let comparison = pipeline::compare(runs, &args.names, &output)?;
    let width = args.names.iter().map(String::len).max().unwrap_or(0).max(12);
    let row = |name: &str, values: &[String]| {
        let cells: Vec<_> = values.iter().map(|value| format!("{value:>width$}")).collect();
        console::line(&format!("{name:<19}  {}", cells.join("  ")));
    };
    console::heading("Settings that differ");
    row("", &args.names);
    for (key, values) in &comparison.settings {
        row(key, values);
    }
    console::heading("Figures");
    for (name, values) in &comparison.figures {
        row(name, values);
    }
    console::heading("Comparison");
    console::files(&comparison.files);
    Ok(ExitCode::SUCCESS)
}
