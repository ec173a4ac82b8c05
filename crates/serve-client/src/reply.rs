//! A reply: its status, headers and body, and the error message in it.

use anyhow::{Context, ensure};
use httparse::{EMPTY_HEADER, Response, Status};
use serde_json::Value;

use crate::{Answer, Failure};

/// The most headers that a reply may have; `serve-lite` sends about ten.
const MAX_HEADERS: usize = 64;

/// A complete reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The status line and the headers, up to the empty line.
    pub head: String,
    /// The body, as long as `Content-Length` says.
    pub body: Vec<u8>,
}

impl Reply {
    /// The reply at the start of `bytes` and its length in bytes; `None` until it is complete. [`Failure::Malformed`] if
    /// it is not HTTP/1.x, or has a body without `Content-Length`.
    pub(crate) fn parse(bytes: &[u8], has_body: bool) -> Result<Option<(Self, usize)>, Failure> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        let Status::Complete(head) = response.parse(bytes).map_err(|_| Failure::Malformed)? else {
            return Ok(None);
        };
        let status = response.code.ok_or(Failure::Malformed)?;
        let has_body = has_body && !matches!(status, 100..=199 | 204 | 304);
        let length = match find(response.headers, "content-length") {
            _ if !has_body => 0,
            Some(length) => length.parse().map_err(|_| Failure::Malformed)?,
            None => return Err(Failure::Malformed),
        };
        let Some(body) = bytes[head..].get(..length) else { return Ok(None) };
        let head_text = std::str::from_utf8(&bytes[..head]).map_err(|_| Failure::Malformed)?;
        Ok(Some((Self { status, head: head_text.to_owned(), body: body.to_vec() }, head + length)))
    }

    /// The value of a header, whose name may be in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        response.parse(self.head.as_bytes()).ok()?;
        find(response.headers, name)
    }

    /// Whether the server will close the connection.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The status and the first 200 characters of the body, for a message.
    pub fn summary(&self) -> String {
        format!("{} {:.200}", self.status, self.text())
    }

    /// The body as JSON, or an error if it is not JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("a body that is not JSON: {}", self.summary()))
    }

    /// The message of an error reply. It is an error if the body is not `{"error": "..."}` alone and labelled as JSON, or
    /// if the message is empty or has control characters.
    pub fn error(&self) -> anyhow::Result<String> {
        let is_json = self.header("content-type") == Some("application/json");
        ensure!(is_json, "not labelled as JSON: {}", self.head);
        let json = self.json()?;
        let message =
            json["error"].as_str().with_context(|| format!("no error message: {json}"))?;
        let is_alone = json.as_object().is_some_and(|fields| fields.len() == 1);
        ensure!(is_alone, "more than an error: {json}");
        let is_line = !message.is_empty() && !message.chars().any(char::is_control);
        ensure!(is_line, "not a message: {message:?}");
        Ok(message.to_owned())
    }

    /// The JSON and the tensors of an inference reply, with the errors of [`Answer::read`] and one if a tensor is not in
    /// the binary form.
    pub fn tensors(&self) -> anyhow::Result<(Value, Vec<Vec<f32>>)> {
        let answer = Answer::read(self)?;
        ensure!(answer.is_binary, "tensors in JSON: {}", self.summary());
        Ok((answer.json, answer.tensors))
    }
}

fn find<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reply_is_parsed_once_it_is_complete() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabcHTTP";
        for cut in 0..bytes.len() - 4 {
            assert_eq!(Reply::parse(&bytes[..cut], true).unwrap(), None, "{cut}");
        }
        let (reply, length) = Reply::parse(bytes, true).unwrap().unwrap();
        assert_eq!((reply.status, &reply.body[..], length), (200, &b"abc"[..], bytes.len() - 4));
        assert_eq!((reply.header("x"), reply.header("y")), (Some("y"), None));
        assert!(Reply::parse(bytes, false).unwrap().unwrap().0.body.is_empty());
        let interim = Reply::parse(b"HTTP/1.1 100 Continue\r\n\r\n", true).unwrap().unwrap();
        assert_eq!((interim.0.status, interim.1), (100, 25));
        for malformed in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"SSH-2.0\r\n\r\n"] {
            assert_eq!(Reply::parse(malformed, true), Err(Failure::Malformed));
        }
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let bytes = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nconnection:Close\r\nContent-Length: 0\r\n\r\n";
        let (reply, _) = Reply::parse(bytes, true).unwrap().unwrap();
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(reply.closes());
        assert_eq!(reply.header("after"), None);
    }

    #[test]
    fn an_error_is_one_message_in_json() {
        let reply = |kind: &str, body: &str| Reply {
            status: 400,
            head: format!("HTTP/1.1 400 Bad Request\r\nContent-Type: {kind}\r\n\r\n"),
            body: body.into(),
        };
        assert_eq!(reply("application/json", r#"{"error":"no"}"#).error().unwrap(), "no");
        for body in [r#"{"error":""}"#, r#"{"error":"a","b":1}"#, r#"{"error":"a\nb"}"#, "{}", "no"]
        {
            assert!(reply("application/json", body).error().is_err(), "{body}");
        }
        assert!(reply("text/plain", r#"{"error":"no"}"#).error().is_err());
    }
}
