//! Any picture file to the 28x28 grey levels the network sees.
//!
//! Training on one's own pictures and serving both go through this crate, so the two can't drift
//! apart. Ink is white (255) on black (0) throughout, as in MNIST.
//!
//! ```no_run
//! let grey = images::read(std::path::Path::new("digit.png"))?;
//! let pixels = images::to_network(&grey, images::Preparation::Auto)?;
//! assert_eq!(pixels.len(), images::SIDE * images::SIDE);
//! # Ok::<(), images::Error>(())
//! ```

mod decode;
mod digit;
mod error;
mod prepare;
mod shape;

pub use decode::{Grey, decode, decode_within, read};
pub use digit::{BOX, centre};
pub use error::{Error, Result};
pub use prepare::{Preparation, to_network};
pub use shape::ImageShape;

/// Side of the square picture the network sees, in pixels.
pub const SIDE: usize = 28;
