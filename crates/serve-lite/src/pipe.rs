//! What to make of a reader that goes away.

use std::error::Error;
use std::io;

/// Whether `error`, or what caused it, is that the reader of our output, such as `head`, has had
/// enough. That is its right, and no failure of the program.
#[must_use]
pub fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref::<io::Error>().is_some_and(broken)
        || error.source().is_some_and(is_broken_pipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_however_deep_and_nothing_else_is_taken_for_it() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&broken()));
        let wrapped = anyhow::Error::new(broken()).context("writing").context("predicting");
        assert!(is_broken_pipe(wrapped.as_ref()));
        assert!(!is_broken_pipe(&io::Error::from(io::ErrorKind::NotFound)));
    }
}
