//! What can go wrong in an export.

/// The result of an export.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of class names is not the number of logits.
    #[error(
        "{names} class names for {logits} logits: export with the data set the network was trained on"
    )]
    Classes {
        /// Names that were given.
        names: usize,
        /// Length of the network's logits.
        logits: usize,
    },
}
