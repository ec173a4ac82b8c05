//! A run: its directory, its settings, the records one stage leaves for the next, and their scores.
//!
//! Stages share no memory and no global state; they meet in a [`RunDirectory`]. This crate owns every file name in it
//! and the format of every file that more than one stage reads. It knows neither Burn nor tract.

mod checksum;
mod config;
mod creation;
mod directory;
mod error;
mod file;
mod image_list;
mod lock;
mod lookup;
mod markdown;
mod memory;
mod name;
mod reading;
mod record;
mod scores;
mod suspects;

pub use config::*;
pub use directory::{RunDirectory, comparison_folder, study_csv, study_folder, study_markdown};
pub use error::{Error, Result};
pub use file::{create_folder, write_atomically, write_parts_atomically};
pub use image_list::{ListedImage, read_image_list, write_image_list};
pub use lock::RunLock;
pub use lookup::Needs;
pub use markdown::markdown_table;
pub use memory::available_memory;
pub use name::run_name;
pub use record::{
    Agreement, BatchAgreement, ClassScores, DatasetFacts, Doubt, EpochMetrics, Evaluation,
    Explanations, Occlusion, PartScores, Prediction, Timing, read_json, read_metrics,
    read_predictions, write_json, write_predictions,
};
pub use scores::{
    argmax, balanced_scores, class_scores, log_odds, lowest, prediction, softmax, verdict,
};
pub use suspects::{HeldOut, Suspect, read_suspects, suspects, write_suspects};
