//! Measures what `serve-lite serve` promises, on the real program.
//!
//! Every check in [`checks`] starts servers of its own as child processes, sends traffic to 127.0.0.1 only, and compares
//! each measured value with its limit. `docs/serving.md` lists the requirements with the same numbers and names.

mod checks;
mod client;
mod console;
mod drawing;
mod load;
mod models;
mod mutation;
mod photograph;
mod results;
mod setup;
mod statistics;
mod tally;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use checks::CHECKS;
use clap::Parser;
use results::Results;
use setup::Setup;

/// Measures what serve-lite promises, on a run's model: speed, faults, overload, reloads, shutdowns.
#[derive(Debug, Parser)]
#[command(name = "soak", bin_name = "cargo xtask soak", version, after_help = after_help())]
struct SoakArgs {
    /// Folder that holds all runs
    #[arg(
        long,
        value_name = "DIR",
        default_value = "runs",
        env = "KILN_RUNS",
        overrides_with = "runs"
    )]
    runs: PathBuf,
    /// Name of the run whose model and test images are used [default: the latest]
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// The checks to run, separated by commas [default: all]
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    only: Vec<String>,
    /// Run each check for a few seconds, and do not judge times and rates
    #[arg(long)]
    quick: bool,
    /// Minutes of the check 'endurance'
    #[arg(long, value_name = "MINUTES", default_value_t = 60.0)]
    minutes: f64,
    /// Let server and client share all cores, instead of one core each
    #[arg(long)]
    shared_cores: bool,
    /// The server to measure [default: serve-lite next to this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Write the results as Markdown to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn after_help() -> String {
    let lines = CHECKS.map(|(_, name, _, summary)| format!("  {name:<14}{summary}"));
    format!("Checks:\n{}", lines.join("\n"))
}

fn main() -> ExitCode {
    run(&SoakArgs::parse()).unwrap_or_else(|error| {
        console::error(&error);
        ExitCode::FAILURE
    })
}

fn run(args: &SoakArgs) -> anyhow::Result<ExitCode> {
    let names = CHECKS.map(|(_, name, ..)| name);
    if let Some(unknown) = args.only.iter().find(|only| !names.contains(&only.as_str())) {
        bail!("there is no check '{unknown}': choose from {}", names.join(", "));
    }
    ctrlc::set_handler(|| {
        serve_client::kill_all();
        std::process::exit(130)
    })
    .context("cannot handle Ctrl-C")?;
    let setup = Setup::new(args)?;
    let mut results = Results::new(args.quick);
    for (requirement, name, check, summary) in CHECKS {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        console::heading(&format!("{name}: {summary}"));
        results.begin(requirement, name);
        if let Err(error) = check(&setup, &mut results) {
            results.require("the check itself", "runs to its end", format!("{error:#}"), false);
        }
    }
    if let Some(output) = &args.output {
        run::write_atomically(output, results.markdown(&setup.facts()).as_bytes())?;
        console::heading(&format!("Results: {}", output.display()));
    }
    Ok(if results.conclude() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
