//! Pictures of digits to class probabilities: an ONNX file, run on the CPU by tract and, where its
//! operators are of kiln's kind, by kiln's kernels.
//!
//! ```text
//! model.onnx -> Classifier
//! picture files -> 784 grey levels each -> Classifier -> predictions -> text or JSON
//! ```
//!
//! The file says all there is to know: what it takes, what it gives, the names of its classes. This
//! crate shares nothing with the code that trained it, and tract's types stay inside
//! [`Classifier`]. [`serve`] puts one behind HTTP.

mod accelerate;
mod args;
mod classifier;
mod contract;
mod error;
mod format;
mod input;
mod pipe;
mod plan;
mod predict;
mod server;

pub use args::{PredictArgs, Prepare};
pub use classifier::{Classifier, MAX_MODEL_BYTES, Outputs, PIXELS};
pub use error::{Error, Result};
pub use format::{Format, Shades, printable, write_predictions};
pub use pipe::is_broken_pipe;
pub use predict::{Outcome, PredictOptions, Prediction, predict, predict_all};
pub use server::{
    Ended, LogFormat, LogLevel, ModelName, ServeOptions, Service, log_to_stderr, serve,
};
