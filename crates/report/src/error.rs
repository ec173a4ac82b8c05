//! What can go wrong while a report is made.

/// The result of making a report.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong while a report is made; every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A record that the report is about has no rows; holds the name of the record, in the plural.
    #[error("there are no {0} to report on: train the run to its end first")]
    Empty(&'static str),
    /// Records do not belong to the same run; holds what does not match.
    #[error("{0}: the files are of different runs, evaluate this run again")]
    Mismatch(String),
    /// There are too few or too many things for one plot.
    #[error("{found} {what} do not fit one plot: give 1 to {most}")]
    Count {
        /// What was counted, in the plural.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most that can be drawn.
        most: usize,
    },
    /// A plot could not be drawn or encoded.
    #[error(
        "cannot draw {file}: this is a fault in kiln, please report it with the files of the run"
    )]
    Draw {
        /// File name of the plot.
        file: String,
        /// What the drawing library says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file could not be written.
    #[error(transparent)]
    Run(#[from] run::Error),
}

impl Error {
    /// An error unless there are 1 to `most` of what one plot draws.
    pub(crate) const fn check_count(what: &'static str, found: usize, most: usize) -> Result<()> {
        if 0 < found && found <= most { Ok(()) } else { Err(Self::Count { what, found, most }) }
    }
}
