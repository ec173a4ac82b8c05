//! Recipes: small files of settings that belong together, and which one suits the images.

use std::path::Path;

use dataset::Dataset;
use images::ImageShape;
use run::Config;

use crate::error::{Error, Result};

/// The files in `recipes/`, compiled in, so that an installed program has them too.
const RECIPES: [(&str, &str); 6] = [
    ("article", include_str!("../../../recipes/article.toml")),
    ("best", include_str!("../../../recipes/best.toml")),
    ("fast", include_str!("../../../recipes/fast.toml")),
    ("images", include_str!("../../../recipes/images.toml")),
    ("images-small", include_str!("../../../recipes/images-small.toml")),
    ("regularised", include_str!("../../../recipes/regularised.toml")),
];

/// From this many training images a class on, on average, `images` suits better than `images-small`.
const FEW: usize = 100;

/// The settings of a new run.
#[derive(Clone, Debug, PartialEq)]
pub enum Settings {
    /// These.
    Chosen(Box<Config>),
    /// Those of the recipe that suits the images, some of them replaced: pairs of key and value, the last of equal keys
    /// counts. `article` suits MNIST and images like it; `images` all others, and `images-small` where there are few.
    ForImages(Vec<(String, String)>),
}

impl From<Config> for Settings {
    fn from(config: Config) -> Self {
        Self::Chosen(Box::new(config))
    }
}

impl Settings {
    /// The settings before the images are known: of these only the ones of the data count. Settings that contradict each
    /// other whatever the recipe are found here.
    pub(crate) fn before_loading(&self) -> Result<Config> {
        match self {
            Self::Chosen(config) => config.check().map(|()| (**config).clone()).map_err(Into::into),
            Self::ForImages(given) => {
                let article = checked("article", given);
                article.or_else(|error| checked("images", given).map_err(|_| error))
            }
        }
    }

    /// The settings for these images.
    pub(crate) fn for_images(self, dataset: &Dataset) -> Result<Config> {
        let given = match self {
            Self::Chosen(config) => return Ok(*config),
            Self::ForImages(given) => given,
        };
        let few = dataset.train.len() < FEW * dataset.classes.len();
        let recipe = match dataset.shape {
            ImageShape::DIGIT => "article",
            _ if few => "images-small",
            _ => "images",
        };
        checked(recipe, &given)
    }
}

/// A recipe with some settings replaced.
fn checked(recipe: &str, given: &[(String, String)]) -> Result<Config> {
    let config = read_recipe(recipe)?.with(given)?;
    config.check()?;
    let no_effect = config.without_effect();
    let wrong = given.iter().find_map(|(key, value)| {
        let (_, why) = no_effect.iter().find(|(without, _)| without == key)?;
        let expected = format!("it changes nothing with recipe {recipe}: {why}");
        Some(run::Error::Config { key: key.clone(), value: value.clone(), expected })
    });
    if let Some(error) = wrong {
        return Err(error.into());
    }
    Ok(Config { recipe: recipe.to_owned(), ..config })
}

/// The configuration of a recipe: one of [`recipe_names`], or a TOML file by its path, which ends in `.toml`.
///
/// The configuration carries the recipe's name, so that a run records it.
///
/// # Errors
/// [`Error::Recipe`] for an unknown name, [`Error::Run`] where the file cannot be read or is not valid.
pub fn read_recipe(name: &str) -> Result<Config> {
    if name.ends_with(".toml") {
        let path = Path::new(name);
        let recipe = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Config { recipe, ..Config::read(path)? });
    }
    let known = RECIPES.iter().find(|(known, _)| *known == name);
    let unknown = || Error::Recipe { name: name.to_owned(), names: recipe_names() };
    let (_, text) = known.ok_or_else(unknown)?;
    let path = Path::new("recipes").join(name).with_extension("toml");
    let settings = |reason| run::Error::Settings { path, reason };
    let config = Config::from_toml(text).map_err(settings)?;
    config.check()?;
    Ok(Config { recipe: name.to_owned(), ..config })
}

/// The names of all recipes, in alphabetical order.
#[must_use]
pub fn recipe_names() -> Vec<&'static str> {
    RECIPES.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_recipe_and_the_article_is_the_default() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        let stem =
            |path: std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files.map(|entry| stem(entry.unwrap().path())).collect();
        names.sort();
        assert_eq!(names, recipe_names());
        for name in recipe_names() {
            assert_eq!(read_recipe(name).unwrap().recipe, name);
        }
        assert_eq!(read_recipe("article").unwrap(), Config::default());
        let error = read_recipe("nonesuch").unwrap_err().to_string();
        assert!(error.contains("nonesuch") && error.contains("regularised"), "{error}");
    }
}
