//! The networks: Burn modules that read like what describes them, and their summary table.

mod cnn;
mod config;
mod fold;
mod layers;
mod network;
mod ops;
mod summary;
mod vgg;

pub use cnn::Cnn;
pub use config::{INPUT_SIDE, NetworkConfig};
pub use network::Network;
pub use ops::in_one_piece;
pub use summary::{LayerSummary, Summary, summary};
pub use vgg::Vgg;
