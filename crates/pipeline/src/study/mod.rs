//! A study: recipes over several seeds, as a table and a plot.
//!
//! ```text
//! for every seed and recipe: train (timed) -> evaluate -> export-onnx -> verify      each in a separate process
//! then:                      results -> statistics -> study.csv, study.md, study.png
//! ```

mod results;
mod statistics;
mod table;
mod trial;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use report::StudyRecipe;
use run::{Config, Selection, run_name, study_csv, study_markdown, write_atomically};

use crate::error::{Error, Result};
use crate::recipe::read_recipe;
use results::RecipeResults;
use trial::Trial;

/// The first seed, the default of a run.
const FIRST_SEED: u64 = 42;
/// Fraction of the images used for validation where a recipe trains on all of them: the article's.
const HELD_OUT: f64 = 0.3;

/// What to study, and how.
#[derive(Clone, Debug)]
pub struct StudyOptions {
    /// The folder of the study, see [`run::study_folder`]: its runs, its table and its plot.
    pub folder: PathBuf,
    /// The recipes, each with another name; see [`study_config`].
    pub recipes: Vec<Config>,
    /// Seeds of every recipe: 42, 43 and so on.
    pub seeds: usize,
    /// Leave the test set alone and compare by validation.
    pub validate: bool,
    /// The program that runs a stage: `kiln`, or one that takes the same commands.
    pub program: PathBuf,
    /// Threads of every run; all cores where it is none.
    pub threads: Option<u16>,
    /// Never download.
    pub offline: bool,
}

/// A finished study.
pub struct Study {
    /// The table, as Markdown.
    pub table: String,
    /// The files of the plot; none of a study that only validates.
    pub files: Vec<PathBuf>,
}

/// What a front end may show while a study runs.
#[derive(Clone, Debug)]
pub enum StudyEvent {
    /// A run starts to train, `number` of `n_runs`.
    Training {
        /// The run.
        run: String,
        /// Counted from 1.
        number: usize,
        /// Runs of the whole study.
        n_runs: usize,
    },
    /// A run is complete.
    Complete {
        /// The run.
        run: String,
        /// Counted from 1.
        number: usize,
        /// Runs of the whole study.
        n_runs: usize,
        /// Its figures, as text.
        figures: String,
    },
}

/// Makes every run that is not complete yet, then writes the table and the plot; none where a run was interrupted.
///
/// A run is complete if its files are there, so a study that was interrupted resumes when it is started again. When `stop`
/// becomes true the stage that runs is interrupted.
///
/// # Errors
/// [`Error::RecipeTwice`]; [`Error::Run`] where a recipe's name cannot be that of a run; [`Error::OtherSettings`] where a run of another study is in the folder; [`Error::Step`]
/// where a stage fails.
pub fn study(
    options: &StudyOptions,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(StudyEvent),
) -> Result<Option<Study>> {
    let recipes = &options.recipes;
    for (index, config) in recipes.iter().enumerate() {
        run_name(&config.recipe)?;
        if recipes[..index].iter().any(|earlier| earlier.recipe == config.recipe) {
            return Err(Error::RecipeTwice { name: config.recipe.clone() });
        }
    }
    let mut results: Vec<_> = recipes.iter().map(RecipeResults::of).collect();
    let n_runs = options.seeds * recipes.len();
    // Seed by seed, so that an interrupted study has comparable runs of every recipe.
    for (round, seed) in (FIRST_SEED..).take(options.seeds).enumerate() {
        for (index, recipe) in recipes.iter().enumerate() {
            let mut config = recipe.clone();
            config.training.seed = seed;
            let number = round * recipes.len() + index + 1;
            let trial = Trial { options, config: &config, stop };
            let run = trial.name();
            let training = StudyEvent::Training { run: run.clone(), number, n_runs };
            match trial.run(&mut || on_event(training.clone()))? {
                Some(result) => {
                    let figures = result.figures();
                    on_event(StudyEvent::Complete { run, number, n_runs, figures });
                    results[index].runs.push(result);
                }
                None => return Ok(None),
            }
        }
    }
    write(&options.folder, &results, options.validate).map(Some)
}

/// The configuration of a recipe in a study.
///
/// `small` limits the images of each part and the epochs. With `validate`, 30 % of the training images are held out
/// where the recipe trains on all; the checkpoint is then still its last, so that the choice is made for what will be
/// trained.
///
/// # Errors
/// As [`read_recipe`].
pub fn study_config(
    recipe: &str,
    data: Option<&str>,
    small: Option<(usize, usize)>,
    validate: bool,
) -> Result<Config> {
    let mut config = read_recipe(recipe)?;
    if let Some(data) = data {
        config.data.data = data.to_owned();
    }
    if let Some((images, epochs)) = small {
        let settings = [("limit", images), ("epochs", epochs)];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_string()));
        config = Config { recipe: config.recipe.clone(), ..config.with(&settings)? };
        config.optimizer.warmup_epochs = config.optimizer.warmup_epochs.min(epochs as f64);
    }
    if validate && config.data.val_fraction == 0.0 {
        config.data.val_fraction = HELD_OUT;
        config.training.checkpoint = Selection::Last;
    }
    config.check()?;
    Ok(config)
}

/// Writes the table and the plot.
fn write(folder: &Path, results: &[RecipeResults], validate: bool) -> Result<Study> {
    let table = table::markdown(results, validate);
    let path = study_csv(folder);
    let csv = table::csv(results)
        .map_err(|error| run::Error::Write { path: path.clone(), source: error.into() })?;
    write_atomically(&path, &csv)?;
    write_atomically(&study_markdown(folder), table.as_bytes())?;
    let mut files = Vec::new();
    if !validate {
        let plotted: Vec<_> = results.iter().map(|recipe| (recipe, recipe.plotted())).collect();
        let recipes: Vec<_> = plotted
            .iter()
            .map(|(recipe, runs)| StudyRecipe {
                recipe: &recipe.name,
                synthetic: recipe.synthetic(),
                runs,
            })
            .collect();
        files = report::write_study(&recipes, folder)?;
    }
    Ok(Study { table, files })
}
