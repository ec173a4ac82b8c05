//! Names of runs and studies, which become names of folders.

use crate::error::{Error, Result};
use crate::lookup::LATEST;

/// Longest name, so that no file system refuses the paths below it.
const MAX_LENGTH: usize = 100;

/// `text` as the name of a run or a study: one folder that can neither leave the folder of runs nor hide in it.
///
/// # Errors
/// [`Error::Name`].
pub fn run_name(text: &str) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(plain)
        && text.len() <= MAX_LENGTH
        && text != LATEST;
    if valid { Ok(text.to_owned()) } else { Err(Error::Name { name: text.to_owned() }) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_folder_of_runs() {
        for name in ["", "..", "../a", "a/b", "/a", ".hidden", "latest", "-x", "a b", "ä"] {
            assert!(matches!(run_name(name), Err(Error::Name { .. })), "{name}");
        }
        assert!(run_name(&"a".repeat(MAX_LENGTH + 1)).is_err());
        assert_eq!(run_name("wide-net_2.1").unwrap(), "wide-net_2.1");
    }
}
