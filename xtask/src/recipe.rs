//! Recipes: small files of settings that belong together.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use run::Config;

/// The configuration of a recipe: a file in `recipes/`, by its name without ending, or any TOML file by its path.
///
/// The configuration carries the recipe's name, so that a run says what it was trained by.
pub(crate) fn read(name: &str) -> anyhow::Result<Config> {
    let is_path = name.ends_with(".toml");
    let path =
        if is_path { PathBuf::from(name) } else { folder().join(name).with_extension("toml") };
    if !path.is_file() {
        let names = names()?.join(", ");
        bail!("there is no recipe '{name}': choose one of {names}, or name a .toml file");
    }
    let recipe = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Config { recipe, ..Config::read(&path)? })
}

/// The names of all recipes, in alphabetical order.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read the recipes in {}", folder.display()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let recipes = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let mut names: Vec<_> =
        recipes.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

/// `cargo xtask` runs in its workspace, wherever in it a person stands.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes")
}
