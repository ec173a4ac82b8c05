//! Training: the loop, its checkpoints, and the evaluation that follows it.
//!
//! A run is a pure function of its configuration and its images. Shuffling, augmentation and dropout are seeded anew
//! for every epoch and step, so a run that was killed and resumed ends with the same weights as one that was not.

mod adam;
mod average;
mod batches;
mod checkpoint;
mod class_weights;
mod clip;
mod container;
mod error;
mod evaluate;
mod event;
mod explain;
mod fit;
mod memory;
mod metrics;
mod muon;
mod optimizer;
mod pool;
mod random;
mod records;
mod schedule;
mod step;
mod tensors;
#[cfg(test)]
mod tests;
mod whiten;

pub use checkpoint::{Checkpoint, Epoch, Restored};
pub use error::{Error, Result};
pub use evaluate::{Scores, Watch, evaluate, logits};
pub use event::{Event, Outcome};
pub use explain::explain;
pub use fit::{Data, Training, fit};
pub use memory::check_memory;
pub use records::{check_settings, checked_metrics};
