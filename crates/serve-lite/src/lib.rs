//! Classifies images on the CPU with an ONNX model: tract runs the model, and kiln's kernels replace the operators
//! that they implement.
//!
//! ```text
//! model.onnx -> Classifier
//! image files -> pixels in the model's input shape -> Classifier -> classifications -> text or JSON
//! ```
//!
//! ```no_run
//! use serve_lite::{Classifier, classify_file};
//! use std::path::Path;
//!
//! let classifier = Classifier::load(Path::new("digits.onnx"))?;
//! let found = &classify_file(&classifier, Path::new("digit.png"), None)?[0];
//! let (label, probability) = (&classifier.classes[found.class], found.probabilities[found.class]);
//! assert!(!label.is_empty() && probability > 0.0);
//!
//! // Or pixels instead of files: any number of images in the shape of the model's input, ink 255 on 0.
//! let outputs = classifier.classify(&vec![0; 2 * classifier.shape.size()])?;
//! assert_eq!(outputs.row(1).len(), classifier.classes.len());
//! # Ok::<(), serve_lite::Error>(())
//! ```
//!
//! The model file describes itself: the shape of its input, its outputs and the names of its classes. This crate
//! shares no code with training, and tract's types are private to [`Classifier`].
//!
//! The feature `server`, on by default, adds `serve`, which answers over HTTP, and the program `serve-lite`. Without it
//! (`default-features = false`) none of their packages is compiled: neither axum nor tokio, prometheus or clap.

mod accelerate;
#[cfg(feature = "server")]
mod args;
mod classifier;
mod contract;
mod doubt;
mod drawing;
mod error;
mod files;
mod folder;
mod format;
mod input;
mod model_file;
mod pipe;
mod plan;
#[cfg(feature = "server")]
mod server;
mod table;
mod text;
mod wire;

#[cfg(feature = "server")]
pub use args::{PredictArgs, Prepare};
pub use classifier::{Classifier, MAX_MODEL_BYTES, Outputs};
pub use doubt::Doubt;
pub use drawing::Shades;
pub use error::{Error, Result};
pub use files::{Classification, FileCounts, PredictOptions, classify_file, classify_files};
pub use folder::image_files;
pub use format::Format;
pub use images::{Background, Error as ImageError, ImageShape, Preparation};
pub use pipe::is_broken_pipe;
#[cfg(feature = "server")]
pub use server::{
    LogFormat, LogLevel, ModelName, ServeOptions, Service, Shutdown, log_to_stderr, serve,
};
pub use text::{printable, shape_text};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
