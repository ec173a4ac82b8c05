//! SHA-256, as every hash of files and images here is written.

use sha2::{Digest, Sha256};

/// SHA-256 over all `parts`, one after the other, in lower-case hexadecimal.
pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    format!("{:x}", hasher.finalize())
}
