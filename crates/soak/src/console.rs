//! Output on the terminal. A write that fails, because the reader has closed the pipe, is no error.

use std::io::Write;

/// Prints a heading in bold.
pub(crate) fn heading(text: &str) {
    line(&format!("\x1b[1m{text}\x1b[0m"));
}

/// Prints a line.
pub(crate) fn line(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints a remark on standard error.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(anstream::stderr(), "\x1b[1;33mnotice:\x1b[0m {text}");
}

/// Prints an error with its causes on standard error.
pub(crate) fn error(error: &anyhow::Error) {
    let _ = writeln!(anstream::stderr(), "\x1b[1;31merror:\x1b[0m {error:#}");
}
