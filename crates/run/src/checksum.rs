//! The checksum of a JSON record: its last member, over the text before it. It is part of the file, so that a record and
//! its checksum are replaced together.

use sha2::{Digest, Sha256};

/// What stands between the text and its checksum.
const MEMBER: &str = ",\n  \"checksum\": \"";
/// What follows the checksum.
const END: &str = "\"\n}\n";

/// A JSON object, as serde_json indents it, with its checksum.
pub(crate) fn sealed(object: &str) -> String {
    let text = object.strip_suffix("\n}").unwrap_or(object);
    format!("{text}{MEMBER}{}{END}", sha256(text.as_bytes()))
}

/// Whether the text is as it was sealed. A record of an earlier version has no checksum, and passes.
pub(crate) fn is_sound(sealed: &str) -> bool {
    let Some((text, rest)) = sealed.rsplit_once(MEMBER) else { return true };
    rest.strip_suffix(END).is_some_and(|checksum| checksum == sha256(text.as_bytes()))
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
