//! Export: a trained network as one self-contained ONNX file.
//!
//! The file takes raw bytes, standardises them itself, names its classes and says what it was trained on, so that
//! serving it needs nothing else.

mod error;
mod metadata;
mod names;
mod onnx;
mod simplify;
mod triton;

pub use error::{Error, Result};
pub use metadata::Metadata;
pub use onnx::{INPUT, LOGITS, PROBABILITIES, to_onnx};
pub use triton::triton_repository;
