//! `study`: recipes over several seeds, as a table and a plot.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use pipeline::{StudyEvent, StudyOptions};
use run::{count, run_name};

use crate::arguments::MachineArgs;
use crate::console;
use crate::interrupt::{INTERRUPTED, Watched, stop};

const NOTES: &str = "\
Every run is a separate process, so that its time includes the start of a process. A study that was interrupted
resumes when it is started again. Choose settings by validation (--validate), then score the test set once.";

/// Which recipes to study, and how often.
#[derive(clap::Args, Debug)]
#[command(after_help = NOTES)]
pub struct Args {
    /// Recipes: article, regularised, best, fast, or TOML files
    #[arg(value_name = "RECIPE", required = true)]
    recipes: Vec<String>,
    /// Number of seeds for every recipe: 42, 43 and so on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count(1..=1000_u16))]
    seeds: u16,
    /// Name of the study: its runs and its table are in runs/NAME
    #[arg(long, value_name = "NAME", default_value = "study", value_parser = run_name)]
    name: String,
    /// Validate on 30 % of the training images, even if a recipe trains on all, and do not score the test set: for
    /// choosing settings
    #[arg(long)]
    validate: bool,
    /// Use at most IMAGES images of each part and EPOCHS epochs for every recipe, to try the command
    #[arg(long, value_names = ["IMAGES", "EPOCHS"], num_args = 2)]
    small: Option<Vec<usize>>,
    /// auto, mnist, synthetic, or a folder [default: the recipe's]
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let small = args.small.as_deref().and_then(|small| Some((*small.first()?, *small.get(1)?)));
    let config =
        |name: &String| pipeline::study_config(name, args.data.as_deref(), small, args.validate);
    let recipes = args.recipes.iter().map(config).collect::<pipeline::Result<_>>()?;
    let options = StudyOptions {
        folder: run::study_folder(runs, &args.name)?,
        recipes,
        seeds: args.seeds.into(),
        validate: args.validate,
        program: std::env::current_exe().context("cannot find this program")?,
        threads: args.machine.threads,
        offline: args.machine.offline,
    };
    let watched = Watched::new();
    let study = pipeline::study(&options, stop(), &mut |event| show(&event))?;
    drop(watched);
    let Some(study) = study else {
        console::notice("interrupted; start the study again to resume it");
        return Ok(ExitCode::from(INTERRUPTED));
    };
    console::heading(&format!("Study: {}", options.folder.display()));
    for line in study.table.lines() {
        console::line(line);
    }
    console::files(&study.files);
    Ok(ExitCode::SUCCESS)
}

fn show(event: &StudyEvent) {
    console::line(&match event {
        StudyEvent::Training { run, number, n_runs } => {
            format!("{number}/{n_runs} {run}: training")
        }
        StudyEvent::Complete { run, number, n_runs, figures } => {
            format!("{number}/{n_runs} {run}: {figures}")
        }
    });
}
