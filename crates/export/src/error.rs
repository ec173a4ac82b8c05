//! What can go wrong in an export.

/// The result of an export.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in an export. None of it depends on user input: each variant means that the network in
/// `crates/model` and this crate no longer fit together, or that Burn's exporter changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Burn could not express the network in ONNX.
    #[error(
        "Burn cannot export the network: use only operations that burn-onnx lowers in a network's `forward`"
    )]
    Capture(#[source] burn_onnx::export::ExportError),
    /// What Burn exported is not the graph this crate knows how to finish.
    #[error("the exported graph is not as expected ({reason}): adapt crates/export to the network")]
    Graph {
        /// What was found, and where.
        reason: String,
    },
    /// The finished file does not parse as ONNX.
    #[error("the finished ONNX file is not valid ({reason}): adapt crates/export to the network")]
    Invalid {
        /// What the parser said.
        reason: String,
    },
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
