//! The bearer token that clients must send.

use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;

use super::options::ServeOptions;
use crate::error::{Error, Result};
use crate::input::read_file;

/// The environment variable that may contain the token: other users can read a command line.
const VARIABLE: &str = "SERVE_LITE_TOKEN";
/// The largest token file that is read, in bytes.
const MAX_TOKEN_BYTES: u64 = 4096;
const SCHEME: &str = "bearer ";

/// The token from `--token-file`, or else from [`VARIABLE`]; `None` if neither is set.
pub(super) fn read(options: &ServeOptions) -> Result<Option<String>> {
    let text = match &options.token_file {
        Some(path) => String::from_utf8_lossy(&read_file(MAX_TOKEN_BYTES, path)?).into_owned(),
        None => match std::env::var(VARIABLE) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let token = text.trim();
    match !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Some(token.to_owned())),
        false => Err(Error::Token),
    }
}

/// Whether the headers have `Authorization: Bearer` with this token.
pub(super) fn is_sent(token: &str, headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let sent = value.and_then(|value| match value.split_at_checked(SCHEME.len())? {
        (scheme, sent) if scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) => Some(sent),
        _ => None,
    });
    // In constant time: the time reveals at most the token's length, not how many bytes were correct.
    sent.is_some_and(|sent| bool::from(sent.ct_eq(token.as_bytes())))
}
