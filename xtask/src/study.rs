//! `cargo xtask study`: recipes over several seeds, as one table and one picture.
//!
//! ```text
//! for every seed and recipe: train (timed) -> evaluate -> export-onnx -> verify      processes of their own
//! then:                      results -> statistics -> study.csv, study.md, study.png
//! ```

mod results;
mod statistics;
mod table;
mod trial;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use report::StudyRecipe;
use run::{Config, Selection, write_atomically};

use crate::cli::StudyArgs;
use crate::{console, recipe};
use results::RecipeResults;
use trial::Trial;

/// The first seed, the default of a run.
const FIRST_SEED: u64 = 42;
/// What `--validate` holds out: the article's part.
const HELD_OUT: f64 = 0.3;

pub(crate) fn run(runs: &Path, args: &StudyArgs) -> anyhow::Result<ExitCode> {
    let folder = runs.join(&args.name);
    let configs: Vec<_> =
        args.recipes.iter().map(|name| config(name, args)).collect::<anyhow::Result<_>>()?;
    for (index, config) in configs.iter().enumerate() {
        if configs[..index].iter().any(|earlier| earlier.recipe == config.recipe) {
            bail!("recipe '{}' is named twice", config.recipe);
        }
    }
    let mut results: Vec<_> = configs.iter().map(RecipeResults::of).collect();
    let n = args.seeds * configs.len();
    // Seed by seed, so that what an interrupted study has is comparable.
    for (round, seed) in (FIRST_SEED..).take(args.seeds).enumerate() {
        for (index, config) in configs.iter().enumerate() {
            let config = Config { seed, ..config.clone() };
            let number = round * configs.len() + index + 1;
            let trial = Trial { folder: &folder, config: &config, args };
            match trial.run(&format!("{number}/{n}"))? {
                Some(result) => results[index].runs.push(result),
                None => {
                    console::notice("interrupted; the same command goes on where it stopped");
                    return Ok(ExitCode::from(crate::train::INTERRUPTED));
                }
            }
        }
    }
    tell(&folder, &results, args.validate)?;
    Ok(ExitCode::SUCCESS)
}

/// The configuration that a recipe stands for in this study.
fn config(name: &str, args: &StudyArgs) -> anyhow::Result<Config> {
    let mut config = recipe::read(name)?;
    if let Some(data) = &args.data {
        config.data.clone_from(data);
    }
    if let Some([pictures, epochs]) = args.small.as_deref() {
        (config.limit, config.epochs) = (*pictures, *epochs);
        config.warmup_epochs = config.warmup_epochs.min(*epochs as f64);
    }
    if args.validate && config.val_fraction == 0.0 {
        config.val_fraction = HELD_OUT;
        // What it would have done without validation, so that the choice is made for what will be done.
        config.checkpoint = Selection::Last;
    }
    config.check()?;
    Ok(config)
}

/// Writes the table and the picture, and prints the table.
fn tell(folder: &Path, results: &[RecipeResults], validate: bool) -> anyhow::Result<()> {
    let table = table::markdown(results, validate);
    for (name, bytes) in
        [("study.csv", table::csv(results)?), ("study.md", table.clone().into_bytes())]
    {
        write_atomically(&folder.join(name), &bytes)?;
    }
    console::heading(&format!("Study: {}", folder.display()));
    for line in table.lines() {
        console::line(line);
    }
    if !validate {
        let drawn: Vec<_> = results.iter().map(|recipe| (recipe, recipe.drawn())).collect();
        let recipes: Vec<_> = drawn
            .iter()
            .map(|(recipe, runs)| StudyRecipe {
                recipe: &recipe.name,
                synthetic: recipe.synthetic(),
                runs,
            })
            .collect();
        let written = report::write_study(&recipes, folder).context("cannot draw the study")?;
        for path in written {
            console::line(&path.display().to_string());
        }
    }
    Ok(())
}
