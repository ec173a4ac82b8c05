//! The names of image files.

use std::path::Path;

/// Extensions of the image files that [`decode`](crate::decode) reads, in lower case.
pub const EXTENSIONS: [&str; 12] =
    ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "bmp", "pgm", "pnm", "ppm", "pbm"];

/// Whether a path has the extension of an image file, in any case.
#[must_use]
pub fn has_extension(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    EXTENSIONS.iter().any(|&known| extension.as_deref() == Some(known.as_ref()))
}
