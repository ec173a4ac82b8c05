//! Classifies images on the CPU with an ONNX model: tract runs the model, and kiln's kernels replace the operators
//! that they implement.
//!
//! ```text
//! model.onnx -> Classifier
//! image files -> pixels in the model's input shape -> Classifier -> classifications -> text or JSON
//! ```
//!
//! The model file describes itself: the shape of its input, its outputs and the names of its classes. This crate
//! shares no code with training, and tract's types are private to [`Classifier`]. [`serve`] answers over HTTP.

mod accelerate;
mod args;
mod classifier;
mod contract;
mod drawing;
mod error;
mod files;
mod format;
mod input;
mod pipe;
mod plan;
mod server;
mod text;

pub use args::{PredictArgs, Prepare};
pub use classifier::{Classifier, MAX_MODEL_BYTES, Outputs};
pub use drawing::Shades;
pub use error::{Error, ImageError, Result};
pub use files::{Classification, FileCounts, PredictOptions, classify_file, classify_files};
pub use format::Format;
pub use images::{ImageShape, Preparation};
pub use pipe::is_broken_pipe;
pub use server::{
    LogFormat, LogLevel, ModelName, ServeOptions, Service, Shutdown, log_to_stderr, serve,
};
pub use text::{printable, shape_text};
