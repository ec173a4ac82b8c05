//! What can go wrong with the files of a run.

use std::path::PathBuf;

/// The result of reading or writing a run's files.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with the files of a run; every variant names the file and what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read a file.
    #[error("cannot read {}: check that it exists and that its permissions allow reading", path.display())]
    Read {
        /// The file that could not be read.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The operating system refused to write a file; the file's earlier content, if any, is unchanged.
    #[error("cannot write {}: check free space and permissions; the previous content is unchanged", path.display())]
    Write {
        /// The file that could not be written.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file's content is not what kiln writes there.
    #[error(
        "{} is not valid ({reason}): restore it from a copy, or repeat the command that wrote it", path.display()
    )]
    Malformed {
        /// The file that could not be understood.
        path: PathBuf,
        /// What is wrong with it, with the line where the format has lines.
        reason: String,
    },
    /// A file of settings is not valid.
    #[error("the settings in {} are not valid: {reason}", path.display())]
    Settings {
        /// The TOML file.
        path: PathBuf,
        /// What is wrong with it, with its line.
        reason: String,
    },
    /// There is no such setting.
    #[error("there is no setting '{key}'{}", nearest.as_ref().map_or(String::new(), |key| format!(": did you mean '{key}'?")))]
    Unknown {
        /// The key that was given.
        key: String,
        /// A key that is spelt similarly.
        nearest: Option<String>,
    },
    /// A setting is outside its range, or contradicts another.
    #[error("{key} = {value} is not valid: {expected}")]
    Config {
        /// The key, as in `config.toml`.
        key: String,
        /// The value that was given.
        value: String,
        /// What is expected, as text.
        expected: String,
    },
    /// The name of a run is not a plain folder name.
    #[error(
        "'{name}' is not a run name: use letters, digits, '.', '-' and '_', and begin with a letter or digit"
    )]
    Name {
        /// The name that was given.
        name: String,
    },
    /// Another process is working in the same run directory.
    #[error("{} is in use by another kiln process: wait for it to end, or choose another name with --run", path.display())]
    Locked {
        /// The run directory.
        path: PathBuf,
    },
    /// A new run was requested under a name that is taken.
    #[error(
        "{} already exists: choose another name; where it holds a run, --resume continues it", path.display()
    )]
    Occupied {
        /// What has the name.
        path: PathBuf,
    },
    /// No run has the requested name.
    #[error("there is no run at {}: train one with the command `train`, or name another", path.display())]
    Missing {
        /// The run directory that was looked for.
        path: PathBuf,
    },
    /// There are no runs at all.
    #[error("there is no run in {}: train one with the command `train`, or name another folder with --runs", path.display())]
    NoRuns {
        /// The folder of runs.
        path: PathBuf,
    },
    /// A run lacks what a command needs.
    #[error("{} has no {what} yet: `{command}` makes it", path.display())]
    Lacks {
        /// The run directory.
        path: PathBuf,
        /// What is lacking.
        what: &'static str,
        /// The command that makes it, with its flags.
        command: String,
    },
    /// The folder of a file does not exist.
    #[error("the folder {} does not exist: make it, or restore it if it was removed", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Only regular files are written.
    #[error("{} is not a regular file, so it is not replaced: name another path", path.display())]
    NotAFile {
        /// The folder, device or pipe.
        path: PathBuf,
    },
}
