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
    /// The data source now contains other images than the run was trained on.
    #[error(
        "{} was trained on {known}, but '{data}' now contains {found} or is split differently: restore the \
         original images, or start another run", path.display()
    )]
    OtherData {
        /// The run directory.
        path: PathBuf,
        /// Name and hash of the data set of the run.
        known: String,
        /// The source as configured.
        data: String,
        /// Name and hash of the data set found there now.
        found: String,
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
