//! A study: recipes, each trained with several seeds, in one plot.

mod plot;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::write_files;

/// The most recipes that one plot holds.
const MOST_RECIPES: usize = 24;

/// The runs of one recipe.
#[derive(Clone, Copy, Debug)]
pub struct StudyRecipe<'a> {
    /// Name of the recipe, shown as it is.
    pub recipe: &'a str,
    /// Whether kiln drew the images itself.
    pub synthetic: bool,
    /// One entry a seed, at least one.
    pub runs: &'a [StudyRun],
}

/// The results of one recipe with one seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudyRun {
    /// Seed of the run.
    pub seed: u64,
    /// Test images, at least 1.
    pub n_test: usize,
    /// Misclassified ones among them.
    pub errors: usize,
    /// Fraction of the validation images classified correctly, in [0, 1]; `None` where nothing is held out.
    pub val_accuracy: Option<f64>,
    /// Mean cross-entropy of the tested weights over the original training images, in nats.
    pub train_loss: f64,
    /// The same over the validation images; `None` where nothing is held out.
    pub val_loss: Option<f64>,
    /// Wall time of the training, in seconds.
    pub seconds: f64,
    /// Wall time until an epoch first reached 99 % in validation, in seconds; `None` where none did.
    pub seconds_to_99: Option<f64>,
}

/// Writes `study.png` and `study.svg`: for each of 1 to 24 recipes every seed's test errors with their mean and standard
/// deviation, and beside them the training time on a logarithmic axis.
///
/// Returns the files it wrote. `directory` is created where it is missing; an earlier plot is replaced atomically.
///
/// # Errors
/// [`Error::Count`] for no recipes or more than 24, [`Error::Empty`] where one has no runs or a run no test images, both
/// before anything is written; [`Error::Draw`]; [`Error::Run`] where a file cannot be written.
pub fn write_study(recipes: &[StudyRecipe], directory: &Path) -> Result<Vec<PathBuf>> {
    Error::check_count("recipes", recipes.len(), MOST_RECIPES)?;
    if recipes.iter().any(|recipe| recipe.runs.is_empty()) {
        return Err(Error::Empty("runs of a recipe"));
    }
    if recipes.iter().flat_map(|recipe| recipe.runs).any(|run| run.n_test == 0) {
        return Err(Error::Empty("test images of a run"));
    }
    write_files(&[plot::plot(recipes)], None, directory)
}
