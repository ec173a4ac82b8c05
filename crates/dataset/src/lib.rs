//! From bytes to verified pictures and labels, their split, their statistics, and their batches.
//!
//! Whatever the [`Source`], a [`Dataset`] holds 28x28 grey pictures, white ink on black, as one run
//! of bytes, and its labels as another. Everything is checked before it is handed out: what can be
//! wrong with a file is an [`Error`] that names the file, never a panic.

mod augment;
mod download;
mod error;
mod examples;
mod folder;
mod glyphs;
mod idx;
mod load;
mod mnist;
mod split;
mod statistics;
mod synthetic;

pub use augment::{Augmentation, augment};
pub use error::{Error, Result};
pub use examples::Examples;
pub use load::{Dataset, Event, LoadOptions, Source, load};
pub use mnist::default_cache;
pub use split::{Split, SplitOptions, split};
pub use statistics::{Statistics, statistics};

/// Height and width of a picture, in pixels.
pub const SIDE: usize = images::SIDE;
/// Pixels of one picture: 28 rows of 28 grey levels.
pub const PIXELS: usize = SIDE * SIDE;
