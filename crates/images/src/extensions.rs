//! The names of image files.

use std::path::Path;

/// Extensions of the image files that [`decode`](crate::decode) reads, in lower case.
pub const EXTENSIONS: [&str; 12] =
    ["png", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "bmp", "pgm", "pnm", "ppm", "pbm"];

/// Extensions of image files that are not decoded. They are tried all the same, so that an error says so.
const UNREAD: [&str; 5] = ["tif", "tiff", "heic", "heif", "avif"];

/// Whether a path has the extension of an image file, in any case; of one that [`decode`](crate::decode) refuses too.
#[must_use]
pub fn has_extension(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let mut known = EXTENSIONS.iter().chain(&UNREAD);
    known.any(|&known| extension.as_deref() == Some(known.as_ref()))
}
