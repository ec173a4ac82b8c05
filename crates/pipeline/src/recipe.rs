//! Recipes: small files of settings that belong together.

use std::path::Path;

use run::Config;

use crate::error::{Error, Result};

/// The files in `recipes/`, compiled in, so that an installed program has them too.
const RECIPES: [(&str, &str); 4] = [
    ("article", include_str!("../../../recipes/article.toml")),
    ("best", include_str!("../../../recipes/best.toml")),
    ("fast", include_str!("../../../recipes/fast.toml")),
    ("regularised", include_str!("../../../recipes/regularised.toml")),
];

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
