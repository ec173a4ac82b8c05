//! Output whose reader has closed the pipe.

use std::error::Error;
use std::io;

/// Whether `error`, or one of its sources, is a broken pipe: the reader of the output, such as `head`, has closed it.
/// That is not a failure of the program.
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
    fn a_broken_pipe_is_found_at_any_depth_and_other_errors_are_not() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&broken()));
        let wrapped = anyhow::Error::new(broken()).context("writing").context("predicting");
        assert!(is_broken_pipe(wrapped.as_ref()));
        assert!(!is_broken_pipe(&io::Error::from(io::ErrorKind::NotFound)));
    }
}
