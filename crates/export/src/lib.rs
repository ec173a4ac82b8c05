//! Export: a trained network as one self-contained ONNX file.
//!
//! The file takes raw bytes, standardises them itself, names its classes and records how it was made, so that a
//! server needs nothing else.

mod error;
mod metadata;
mod onnx;
mod proto;
mod triton;

pub use error::{Error, Result};
pub use metadata::Metadata;
pub use onnx::{INPUT, LOGITS, PROBABILITIES, to_onnx};
pub use triton::triton_repository;
