//! Training: the loop, its checkpoints, and the evaluation that follows it.
//!
//! A run is a pure function of its configuration and its pictures. Shuffling, augmentation and dropout are seeded anew
//! for every epoch and step, so a run that was killed and resumed ends with the very weights of one that was not.

mod adam;
mod average;
mod batches;
mod checkpoint;
mod clip;
mod error;
mod evaluate;
mod explain;
mod fit;
mod metrics;
mod random;
mod schedule;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, Epoch, Restored};
pub use error::{Error, Result};
pub use evaluate::{
    Scores, argmax, class_scores, evaluate, logits, lowest, part_scores, softmax, verdict,
};
pub use explain::explain;
pub use fit::{Data, Event, Outcome, fit};
