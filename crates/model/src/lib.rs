//! The networks: lists of layers, their summary table, and the memory that training them takes.
//!
//! `layers` has the lists and one file a layer, `fuse` picks the kernels that compute
//! them, and `ops/` makes operations that Burn can differentiate of the kernels.

mod config;
mod error;
mod fuse;
mod layer;
mod layers;
mod memory;
mod network;
mod operator;
mod ops;
mod shape;
mod summary;

pub use config::NetworkConfig;
pub use error::{Error, Result};
pub use layers::PATCH_SIDE;
pub use memory::memory;
pub use network::Network;
pub use operator::{Attribute, Operator, Weights};
pub use ops::{flex_values, kernels_run_on};
pub use shape::Shape;
pub use summary::{LayerSummary, Summary, summary};
