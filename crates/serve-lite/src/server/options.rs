//! The options of a server: the arguments of `serve`, which `serve-lite` and `cargo xtask` share.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{StatusCode, Uri};

/// The options of a server, with the texts and defaults of `serve --help`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeOptions {
    /// Address to listen on; 0.0.0.0 is every address of this machine
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1",
        help_heading = "Address and model"
    )]
    pub host: IpAddr,
    /// Port to listen on; 0 chooses a free one
    #[arg(long, default_value_t = 8000, help_heading = "Address and model")]
    pub port: u16,
    /// Name of the model in the protocol's paths: letters, digits, and . _ - after the first
    #[arg(long, default_value = "mnist", help_heading = "Address and model")]
    pub name: ModelName,
    /// File with the bearer token that clients must send; alternatively, set SERVE_LITE_TOKEN to the token
    #[arg(long, value_name = "FILE", help_heading = "Address and model")]
    pub token_file: Option<PathBuf>,
    /// Name by which clients may call this server, besides localhost and its address; * is any. Repeat it for several
    #[arg(long, value_name = "NAME", value_parser = host_name, help_heading = "Address and model")]
    pub allowed_host: Vec<String>,
    /// Origin (scheme://name:port) whose pages may send requests and read replies; * is any. Repeat it for several
    #[arg(long, value_name = "ORIGIN", value_parser = origin, help_heading = "Address and model")]
    pub cors_origin: Vec<String>,
    /// Seconds between checks of the model file; with 0 only SIGHUP and the load API reload it
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds, help_heading = "Address and model")]
    pub watch: Duration,

    /// Threads for computation [default: all cores]
    #[arg(long, value_name = "N", value_parser = size, help_heading = "Limits")]
    pub threads: Option<usize>,
    /// Most images of different requests in one batch; 1 turns batching off
    #[arg(long, value_name = "N", default_value = "32", value_parser = size)]
    #[arg(help_heading = "Limits")]
    pub micro_batch: usize,
    /// Most images in a request
    #[arg(long, value_name = "N", default_value = "1024", value_parser = size)]
    #[arg(help_heading = "Limits")]
    pub max_batch: usize,
    /// Most images that wait; a full queue refuses requests, then accepts only half as many images until it has drained
    #[arg(long, value_name = "N", default_value = "1024", value_parser = size)]
    #[arg(help_heading = "Limits")]
    pub queue: usize,
    /// Largest body of a request in MiB, also after decompression; an image file may have four times that
    #[arg(long, value_name = "MIB", default_value = "4", value_parser = size)]
    #[arg(help_heading = "Limits")]
    pub max_body: usize,
    /// Most open connections
    #[arg(long, value_name = "N", default_value = "4096", value_parser = size)]
    #[arg(help_heading = "Limits")]
    pub max_connections: usize,
    /// Status of a request that is refused because the queue is full
    #[arg(long, value_name = "CODE", default_value = "503", value_parser = overload_status)]
    #[arg(help_heading = "Limits")]
    pub overload_status: StatusCode,

    /// Seconds until a request must be answered, unless it has its own timeout
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "Timeouts")]
    pub timeout: Duration,
    /// Seconds for the headers of a request, and for an idle connection
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "Timeouts")]
    pub header_timeout: Duration,
    /// Seconds for the body of a request, and until a client must have read some of its reply
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "Timeouts")]
    pub body_timeout: Duration,
    /// Seconds until the load of a new model is given up
    #[arg(long, value_name = "S", default_value = "60", value_parser = seconds)]
    #[arg(help_heading = "Timeouts")]
    pub load_timeout: Duration,
    /// Seconds to keep serving after SIGTERM while not ready, so that load balancers stop sending requests
    #[arg(long, value_name = "S", default_value = "0", value_parser = seconds)]
    #[arg(help_heading = "Timeouts")]
    pub drain_delay: Duration,
    /// Seconds after that for accepted requests to be answered
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    #[arg(help_heading = "Timeouts")]
    pub drain_timeout: Duration,

    /// Level of the log; debug has a line for every request
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    #[arg(help_heading = "Log")]
    pub log_level: LogLevel,
    /// Format of the log, which goes to standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    #[arg(help_heading = "Log")]
    pub log_format: LogFormat,
}

impl ServeOptions {
    /// Whether `--cors-origin '*'` is set.
    pub(super) fn allows_every_origin(&self) -> bool {
        self.cors_origin.iter().any(|origin| origin == "*")
    }
}

/// The level of the log; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Failures of the server
    Error,
    /// Conditions that need attention
    Warn,
    /// Start, reloads and shutdown
    Info,
    /// Every request
    Debug,
}

/// The format of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text for people
    Text,
    /// One JSON object per line, for log collectors
    Json,
}

/// A model's name in paths, pages and folders: 1 to 64 ASCII letters, digits, dots, underscores and hyphens; the first
/// is a letter or digit.
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
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !text.chars().all(allowed) || !begins_well || text.len() > 64 {
            return Err("expected 1 to 64 letters, digits, and . _ - after the first".into());
        }
        match text {
            "stats" => Err("the protocol reserves this name".into()),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

fn size(text: &str) -> Result<usize, String> {
    // Far above any useful size, and low enough that sums and products of sizes do not overflow.
    let number = text.parse().ok().filter(|number| (1..=1 << 20).contains(number));
    number.ok_or_else(|| format!("expected 1 to {}", 1 << 20))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected 0 to 86400 seconds".into())
}

fn host_name(text: &str) -> Result<String, String> {
    let is_name =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match is_name || text == "*" || text.parse::<IpAddr>().is_ok() {
        true => Ok(text.trim_end_matches('.').to_owned()),
        false => Err("expected a name without a port, such as digits.example.org, or *".into()),
    }
}

fn origin(text: &str) -> Result<String, String> {
    let uri = text.parse::<Uri>().ok();
    let is_origin = uri.is_some_and(|uri| {
        let authority = uri.authority().map(|authority| authority.as_str());
        // Without a path, a query or a slash at the end, as browsers write it.
        uri.scheme_str()
            .zip(authority)
            .is_some_and(|(scheme, own)| text == format!("{scheme}://{own}"))
    });
    match is_origin || text == "*" {
        true => Ok(text.to_owned()),
        false => {
            Err("expected an origin such as https://example.org or http://localhost:3000, or *"
                .into())
        }
    }
}

fn overload_status(text: &str) -> Result<StatusCode, String> {
    match text {
        "503" => Ok(StatusCode::SERVICE_UNAVAILABLE),
        "429" => Ok(StatusCode::TOO_MANY_REQUESTS),
        _ => Err("choose 503 or 429".into()),
    }
}
