//! What can go wrong in a stage.

use std::path::PathBuf;

/// The result of a stage.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in a stage; every variant says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The images cannot be loaded or split.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// A file of a run cannot be read or written, or a setting is not valid.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// The network cannot be built for these images.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// Training or evaluation failed.
    #[error(transparent)]
    Train(#[from] train::Error),
    /// The network cannot be written as ONNX.
    #[error(transparent)]
    Export(#[from] export::Error),
    /// The exported model cannot be loaded or run.
    #[error(transparent)]
    Serve(#[from] serve_lite::Error),
    /// A plot or a page cannot be drawn.
    #[error(transparent)]
    Report(#[from] report::Error),
    /// A run has no ONNX file yet.
    #[error("{} does not exist: export the run first, with the command `export-onnx`", path.display())]
    NotExported {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// A labelled folder has the folder of a class that the run does not know.
    #[error("{} is none of the run's classes ({classes}): rename it, or take it away", path.display())]
    UnknownClass {
        /// The folder.
        path: PathBuf,
        /// The names of the classes.
        classes: String,
    },
    /// No file of a labelled folder could be classified.
    #[error("no image in {} can be used: {first}", path.display())]
    NothingUsable {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the first one.
        first: String,
    },
    /// The images of a run cannot be loaded.
    #[error(
        "the images of {} cannot be loaded from '{data}': restore them, or say with --data where they are now",
        path.display()
    )]
    Images {
        /// The run directory.
        path: PathBuf,
        /// The source as configured.
        data: String,
        /// What is wrong with it.
        source: dataset::Error,
    },
    /// The data source now contains other images than the run was trained on, or is split differently.
    #[error(
        "{} was trained on other images than '{data}' gives ({difference}): restore the original images, say with \
         --data where they are now, or start another run", path.display()
    )]
    OtherData {
        /// The run directory.
        path: PathBuf,
        /// The source as configured.
        data: String,
        /// The first fact that differs, with its value in the run and there now.
        difference: String,
    },
    /// Burn and tract give different answers.
    #[error(
        "{} does not give the same answers as the network it was exported from: export it again, and report this if it \
         persists",
        path.display()
    )]
    Parity {
        /// The ONNX file.
        path: PathBuf,
    },
    /// There is no such recipe.
    #[error("there is no recipe '{name}': choose one of {}, or name a .toml file", names.join(", "))]
    Recipe {
        /// The name that was given.
        name: String,
        /// The names there are.
        names: Vec<&'static str>,
    },
    /// A study names a recipe twice.
    #[error("recipe '{name}' is named twice: name it once")]
    RecipeTwice {
        /// The recipe.
        name: String,
    },
    /// A study found a run that was made under other settings.
    #[error(
        "{} was made with {key} = {found}, and the recipe now says {key} = {expected}: remove it, or give the study \
         another --name", path.display()
    )]
    OtherSettings {
        /// The run directory.
        path: PathBuf,
        /// The first setting that differs.
        key: String,
        /// Its value in the run.
        found: String,
        /// Its value in the recipe.
        expected: String,
    },
    /// A command that a study ran failed.
    #[error("`{command}` failed: {message}")]
    Step {
        /// The command's arguments.
        command: String,
        /// What it wrote to standard error, or why it could not be started.
        message: String,
    },
}
