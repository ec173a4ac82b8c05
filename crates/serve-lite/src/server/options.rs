//! How a server is to run: the arguments of `serve`, which `serve-lite` and `cargo xtask` share.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

/// How a server runs; `serve --help` says the same.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeOptions {
    /// Address to listen on; 0.0.0.0 is every address this machine has
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = "Where")]
    pub host: IpAddr,
    /// Port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 8000, help_heading = "Where")]
    pub port: u16,
    /// Name of the model in the protocol's paths: letters, digits, and . _ - inside
    #[arg(long, default_value = "mnist", help_heading = "Where")]
    pub name: ModelName,
    /// Bearer token that clients must send; without a file SERVE_LITE_TOKEN may hold it
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    pub token_file: Option<PathBuf>,
    /// Seconds between looks at the model file; 0 leaves reloading to SIGHUP and the load API
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds, help_heading = "Where")]
    pub watch: Duration,

    /// Threads that compute [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "How much")]
    pub threads: Option<usize>,
    /// Pictures of different callers that are computed together, at most; 1 keeps callers apart
    #[arg(long, value_name = "N", default_value = "32", value_parser = at_least_one)]
    #[arg(help_heading = "How much")]
    pub micro_batch: usize,
    /// Pictures in a request, at most
    #[arg(long, value_name = "N", default_value = "1024", value_parser = at_least_one)]
    #[arg(help_heading = "How much")]
    pub max_batch: usize,
    /// Pictures that may wait; a request that finds no room is refused at once, and half may wait until it has drained
    #[arg(long, value_name = "N", default_value = "1024", value_parser = at_least_one)]
    #[arg(help_heading = "How much")]
    pub queue: usize,
    /// MiB of a request's body, at most, also once unpacked; a picture file may have four times that
    #[arg(long, value_name = "MIB", default_value = "4", value_parser = at_least_one)]
    #[arg(help_heading = "How much")]
    pub max_body: usize,
    /// Connections at once, at most
    #[arg(long, value_name = "N", default_value = "4096", value_parser = at_least_one)]
    #[arg(help_heading = "How much")]
    pub max_connections: usize,
    /// Status of a request that found no room
    #[arg(long, value_name = "CODE", default_value = "503", value_parser = overload_status)]
    #[arg(help_heading = "How much")]
    pub overload_status: StatusCode,

    /// Seconds until a request must be answered, unless it names a deadline of its own
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "How long")]
    pub timeout: Duration,
    /// Seconds for the headers of a request, and for which a connection may be idle
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "How long")]
    pub header_timeout: Duration,
    /// Seconds for the body of a request, and in which a client must take some of its reply
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "How long")]
    pub body_timeout: Duration,
    /// Seconds to serve on after SIGTERM while readiness says no, so that balancers can turn away
    #[arg(long, value_name = "S", default_value = "0", value_parser = seconds)]
    #[arg(help_heading = "How long")]
    pub drain_delay: Duration,
    /// Seconds for requests in flight to end after that
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "How long")]
    pub drain_timeout: Duration,

    /// What is logged; debug has a line for every request
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    #[arg(help_heading = "What it tells")]
    pub log_level: LogLevel,
    /// How it is logged, on standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    #[arg(help_heading = "What it tells")]
    pub log_format: LogFormat,
}

/// What is logged; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// What failed by the server's own fault
    Error,
    /// What someone should look at
    Warn,
    /// Start, reloads and end
    Info,
    /// Every request
    Debug,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line, for collectors
    Json,
}

/// A model's name in paths, pages and folders: 1 to 64 ASCII letters, digits, dots, underscores and
/// hyphens, a letter or digit first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelName(String);

impl ModelName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let inside = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !text.chars().all(inside) || !begins_well || text.len() > 64 {
            return Err("expected 1 to 64 letters, digits, and . _ - after the first".into());
        }
        match text {
            "stats" => Err("the protocol has another use for this name".into()),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    // Every size of this page is far below; sums of several cannot overflow.
    let number = text.parse().ok().filter(|number| (1..=1 << 20).contains(number));
    number.ok_or_else(|| format!("expected 1 to {}", 1 << 20))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected 0 to 86400 seconds".into())
}

fn overload_status(text: &str) -> Result<StatusCode, String> {
    match text {
        "503" => Ok(StatusCode::SERVICE_UNAVAILABLE),
        "429" => Ok(StatusCode::TOO_MANY_REQUESTS),
        _ => Err("choose 503 or 429".into()),
    }
}
