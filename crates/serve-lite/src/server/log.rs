//! The server's log.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};

use super::options::{LogFormat, LogLevel, ServeOptions};

/// Writes this process's log to standard error until the guard is dropped.
///
/// A separate thread writes the lines. Lines are dropped if standard error is slow, blocked or full, because the log
/// must not delay requests.
pub fn log_to_stderr(options: &ServeOptions) -> WorkerGuard {
    let (writer, guard) = NonBlocking::new(std::io::stderr());
    let level = match options.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .log_internal_errors(false)
        .with_writer(writer);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    guard
}
