//! Images with labels: loaded from files and verified, split, augmented, and described by statistics.
//!
//! Whatever the [`Source`], a [`Dataset`] holds images of one [`ImageShape`](images::ImageShape) in one buffer of bytes
//! and their labels in another. Files are checked before anything is returned: whatever is wrong with one is an
//! [`Error`] that names the file, never a panic.
//!
//! MNIST's four files, the digits that kiln draws, and the digit preparation of `images` produce 28x28 grey levels.
//! Nothing else here assumes a shape.

mod augment;
mod cache;
mod check;
mod class_list;
mod csv_file;
mod dataset;
mod download;
mod emnist;
mod error;
mod event;
mod examples;
mod folder;
mod glyphs;
mod hash;
mod idx;
mod image_files;
mod labels_csv;
mod layout;
mod listing;
mod load;
mod memory;
mod mnist;
mod mnist_files;
mod pixels_csv;
mod preparation;
mod prepared;
mod progress;
mod random_state;
mod reading;
mod source;
mod split;
mod statistics;
mod synthetic;
mod test_part;

pub use augment::augment;
pub use cache::default_cache;
pub use check::{Check, ClassCount, Named, Unreadable, check};
pub use dataset::Dataset;
pub use error::{Error, Result};
pub use event::Event;
pub use examples::Examples;
pub use load::{LoadOptions, load};
pub use source::Source;
pub use split::{Split, split};
pub use statistics::{Statistics, background, statistics};
