//! Image files: decoding, the preparation of digits, and the shape of a network's input.
//!
//! Training on a user's own images and serving share this crate, so that both prepare an image in the same way. As in
//! MNIST, a digit is white (255) on black (0).
//!
//! ```no_run
//! let grey = images::read(std::path::Path::new("digit.png"))?;
//! let shape = images::ImageShape::DIGIT;
//! let prepared = images::to_network(&grey, shape, images::Preparation::Digit)?;
//! assert_eq!(prepared.pixels.len(), shape.size());
//! # Ok::<(), images::Error>(())
//! ```

mod colour;
mod decode;
mod digit;
#[cfg(test)]
mod drawings;
mod error;
mod prepare;
mod segment;
mod shape;
mod stretch;

pub use colour::has_colour;
pub use decode::{Grey, decode, decode_within, read};
pub use digit::{BOX, SIDE, centre};
pub use error::{Error, Result};
pub use prepare::{Preparation, Prepared, is_prepared, to_network};
pub use shape::ImageShape;
