//! Progress and results on standard output, notices on standard error.
//!
//! The reader of a pipe, such as `head`, may close it. The results are in a file, so a failed write is ignored.

use std::io::Write;

/// Prints the heading of a group of measurements.
pub(crate) fn heading(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line below a heading.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "  {text}");
}

/// Prints a notice.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(std::io::stderr(), "notice: {text}");
}
