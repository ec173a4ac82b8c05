//! Where the server's log lines go.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};

use super::options::{LogFormat, LogLevel, ServeOptions};

/// Writes this process's log lines to standard error until the guard is dropped.
///
/// A thread of its own writes them, and lines are lost rather than waited for where standard error
/// is slower than they come, stuck or full: a log must not stop a server.
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
