//! The network: a Burn module that reads like the article that describes it, and its summary table.

mod cnn;
mod ops;
mod summary;

pub use cnn::{Cnn, CnnConfig, INPUT_SIDE};
pub use ops::in_one_piece;
pub use summary::{LayerSummary, Summary, summary};
