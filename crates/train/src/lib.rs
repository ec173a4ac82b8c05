//! Training: the loop, its checkpoints, and the evaluation that follows it.
//!
//! A run is a pure function of its configuration and its pictures. Shuffling and dropout are seeded anew for every
//! epoch and step, so a run that was killed and resumed ends with the very weights of one that was not.

mod adam;
mod checkpoint;
mod error;
mod evaluate;
mod fit;
mod metrics;
mod random;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, Epoch, Restored};
pub use error::{Error, Result};
pub use evaluate::{Scores, argmax, class_scores, evaluate, logits, softmax, verdict};
pub use fit::{Data, Event, Outcome, fit};
