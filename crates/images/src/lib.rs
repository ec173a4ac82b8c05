//! Image files: decoding, the preparation for a network, and the shape of its input.
//!
//! Training on a user's own images and serving share this crate, so that both prepare an image in the same way. As in
//! MNIST, a prepared digit is white (255) on black (0).
//!
//! ```no_run
//! let image = images::read(std::path::Path::new("digit.png"))?;
//! let shape = images::ImageShape::DIGIT;
//! let prepared = images::to_network(&image, shape, images::Preparation::Digit)?;
//! assert_eq!(prepared.pixels.len(), shape.size());
//! # Ok::<(), images::Error>(())
//! ```

mod background;
mod decode;
mod digit;
#[cfg(test)]
mod drawings;
mod error;
mod extensions;
mod fingerprint;
mod prepare;
mod raster;
mod resize;
mod segment;
mod shape;
mod thicken;

pub use background::Background;
pub use decode::{decode, decode_within, read};
pub use digit::{BOX, SIDE, centre};
pub use error::{Error, Result};
pub use extensions::{EXTENSIONS, has_extension};
pub use fingerprint::Fingerprint;
pub use prepare::{Preparation, Prepared, is_prepared, to_network};
pub use raster::{Grey, Image};
pub use shape::ImageShape;
