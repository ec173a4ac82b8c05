//! Requests as clients send them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::models::PIXELS;

pub(crate) const INFER: &str = "/v2/models/mnist/infer";
/// The header that says how much of a body is JSON.
pub(crate) const JSON_LENGTH: &str = "Inference-Header-Content-Length";

/// A request with a length for its body.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if method == "POST" || !body.is_empty() {
        request += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    [request.as_bytes(), b"\r\n", body].concat()
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    request("GET", path, &[], b"")
}

pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    request("POST", path, &[], body)
}

/// A request of JSON alone.
pub(crate) fn json(body: &str) -> Vec<u8> {
    post(INFER, body.as_bytes())
}

/// The JSON of a request for all outputs of some pictures, its tensors all in JSON.
pub(crate) fn json_body(pictures: &[u8]) -> String {
    let n = pictures.len() / PIXELS;
    format!(
        r#"{{"inputs":[{{"name":"pixels","shape":[{n},1,28,28],"datatype":"UINT8","data":{pictures:?}}}]}}"#
    )
}

/// A request in the binary form, both ways, with more fields for its JSON (`"id":"7",`).
pub(crate) fn binary_with(more: &str, pictures: &[u8]) -> Vec<u8> {
    let (n, size) = (pictures.len() / PIXELS, pictures.len());
    let parameters = if more.contains(r#""parameters""#) {
        ""
    } else {
        r#""parameters":{"binary_data_output":true},"#
    };
    let header = format!(
        r#"{{{more}{parameters}"inputs":[{{"name":"pixels","shape":[{n},1,28,28],"datatype":"UINT8","parameters":{{"binary_data_size":{size}}}}}]}}"#
    );
    framed(&header, pictures)
}

pub(crate) fn binary(pictures: &[u8]) -> Vec<u8> {
    binary_with("", pictures)
}

/// One with a deadline, in microseconds.
pub(crate) fn binary_within(microseconds: u64, pictures: &[u8]) -> Vec<u8> {
    let parameters =
        format!(r#""parameters":{{"binary_data_output":true,"timeout":{microseconds}}},"#);
    binary_with(&parameters, pictures)
}

/// A JSON header and the tensors behind it.
pub(crate) fn framed(header: &str, tensors: &[u8]) -> Vec<u8> {
    let length = header.len().to_string();
    let body = [header.as_bytes(), tensors].concat();
    request("POST", INFER, &[(JSON_LENGTH, &length)], &body)
}

/// The raw form: one picture and not a word of JSON.
pub(crate) fn raw(picture: &[u8]) -> Vec<u8> {
    request("POST", INFER, &[(JSON_LENGTH, "0")], picture)
}

/// A body in chunks of `size` bytes.
pub(crate) fn chunked(path: &str, headers: &[(&str, &str)], size: usize, body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut request = [request.as_bytes(), b"\r\n"].concat();
    for chunk in body.chunks(size) {
        request.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend(chunk);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What HTTP calls deflate.
pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
