//! What can go wrong while a report is made.

/// The result of making a report.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong while a report is made; every message says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A record that the report is about has no rows.
    #[error("there are no {what} to report on: train the run to its end first")]
    Empty {
        /// The record, in the plural.
        what: &'static str,
    },
    /// Two records of the run have different numbers of entries.
    #[error(
        "{found} {what} where {expected} are needed: the files are of different runs, evaluate this run again"
    )]
    Mismatch {
        /// What was counted, in the plural.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A prediction names a class or a test image that does not exist.
    #[error(
        "prediction {position} names {what} {found}, but there are only {limit}, counted from 0: the files are of \
         different runs, evaluate this run again"
    )]
    Label {
        /// Position of the prediction in its file, from 0.
        position: usize,
        /// `class` or `test image`.
        what: &'static str,
        /// The index that was found.
        found: usize,
        /// How many there are: indices are below.
        limit: usize,
    },
    /// An explanation is of a test image that does not exist or that was classified correctly.
    #[error(
        "explanation {position} is of test image {index}, which {why}: the files are of different runs, evaluate this \
         run again"
    )]
    Explained {
        /// Position of the explanation in its file, from 0.
        position: usize,
        /// Index in the test set, from 0.
        index: usize,
        /// `does not exist` or `is not a mistake`.
        why: &'static str,
    },
    /// There are too few or too many things for one plot.
    #[error("{found} {what} do not fit one plot: give {least} to {most}")]
    Count {
        /// What was counted, in the plural.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The fewest that can be drawn.
        least: usize,
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
