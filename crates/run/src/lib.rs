//! A run: its directory, its configuration, and the records one stage leaves for the next.
//!
//! Stages never share memory or global state, they meet in a [`RunDirectory`]. This crate owns every file name in it
//! and the format of every file that more than one stage reads; it knows neither Burn nor tract.

mod config;
mod directory;
mod error;
mod file;
mod markdown;
mod record;

pub use config::{Architecture, Config, Schedule, Selection};
pub use directory::{RunDirectory, RunLock};
pub use error::{Error, Result};
pub use file::write_atomically;
pub use markdown::markdown_table;
pub use record::{
    Agreement, BatchAgreement, ClassScores, DatasetFacts, EpochMetrics, Evaluation, Explanations,
    Occlusion, PartScores, Prediction, Timing, read_json, read_metrics, read_predictions,
    write_json, write_predictions,
};
