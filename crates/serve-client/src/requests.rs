//! Requests as bytes: HTTP, inference in JSON and in the binary form, image files.
//!
//! The binary form is Triton's
//! [binary data extension](https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md)
//! of KServe's protocol: a JSON header, then the tensors as bytes.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use image::ExtendedColorType::L8;
use image::ImageFormat;
use images::ImageShape;
use serde_json::json;

/// The name under which the server serves its model by default.
pub const MODEL: &str = "mnist";
/// Where that model takes inference requests.
pub const INFER: &str = "/v2/models/mnist/infer";
/// Where image files go.
pub const PREDICT: &str = "/v1/predict";
/// The header with the length of the JSON in a body of the binary form.
pub const JSON_LENGTH: &str = "Inference-Header-Content-Length";
/// The header that names a body's compression.
pub const ENCODING: &str = "Content-Encoding";

/// A request with its headers; a POST and anything with a body has a `Content-Length`.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if method == "POST" || !body.is_empty() {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    with_headers(head, headers, body)
}

/// A GET request.
pub fn get(path: &str) -> Vec<u8> {
    request("GET", path, &[], b"")
}

/// A POST request without further headers.
pub fn post(path: &str, body: &[u8]) -> Vec<u8> {
    request("POST", path, &[], body)
}

/// A POST request whose body is sent in chunks of `size` bytes.
pub fn chunked(path: &str, headers: &[(&str, &str)], size: usize, body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(size) {
        chunks.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    chunks.extend(b"0\r\n\r\n");
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n");
    with_headers(head, headers, &chunks)
}

fn with_headers(mut head: String, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// An inference request.
#[derive(Clone, Copy, Debug)]
pub struct InferRequest<'a> {
    /// Any number of digit images, 784 bytes each.
    pub images: &'a [u8],
    /// Whether the images follow the JSON as bytes.
    pub binary_input: bool,
    /// Whether the outputs are asked for as bytes.
    pub binary_output: bool,
    /// The outputs to ask for; empty asks for all.
    pub outputs: &'a [&'a str],
    /// Repeated in the reply; empty is none.
    pub id: &'a str,
    /// The deadline, in microseconds.
    pub timeout: Option<u64>,
}

impl<'a> InferRequest<'a> {
    /// Bytes in both directions, all outputs: what most clients send.
    pub fn binary(images: &'a [u8]) -> Self {
        let (binary_input, binary_output) = (true, true);
        Self { images, binary_input, binary_output, outputs: &[], id: "", timeout: None }
    }

    /// JSON in both directions, all outputs.
    pub fn json(images: &'a [u8]) -> Self {
        Self { binary_input: false, binary_output: false, ..Self::binary(images) }
    }

    /// The body, and the length of its JSON where the binary form is used in either direction.
    pub fn body(&self) -> (Vec<u8>, Option<usize>) {
        let [channels, height, width] = ImageShape::DIGIT.dimensions();
        let n = self.images.len() / ImageShape::DIGIT.size();
        let shape = [n, channels, height, width];
        let mut input = json!({ "name": "pixels", "shape": shape, "datatype": "UINT8" });
        if self.binary_input {
            input["parameters"] = json!({ "binary_data_size": self.images.len() });
        } else {
            input["data"] = json!(self.images);
        }
        let mut body = json!({ "inputs": [input] });
        if !self.id.is_empty() {
            body["id"] = json!(self.id);
        }
        if let Some(timeout) = self.timeout {
            body["parameters"]["timeout"] = json!(timeout);
        }
        if !self.outputs.is_empty() {
            let output = |name: &&str| match self.binary_output {
                true => json!({ "name": name, "parameters": { "binary_data": true } }),
                false => json!({ "name": name }),
            };
            body["outputs"] = self.outputs.iter().map(output).collect();
        } else if self.binary_output {
            body["parameters"]["binary_data_output"] = json!(true);
        }
        let mut bytes = body.to_string().into_bytes();
        let length = bytes.len();
        if self.binary_input {
            bytes.extend(self.images);
        }
        (bytes, (self.binary_input || self.binary_output).then_some(length))
    }

    /// The whole request, to the model that the server serves by default.
    pub fn request(&self) -> Vec<u8> {
        self.request_to(INFER)
    }

    /// The whole request, to any path.
    pub fn request_to(&self, path: &str) -> Vec<u8> {
        let (body, length) = self.body();
        let length = length.map(|length| length.to_string());
        let header = length.as_deref().map(|length| (JSON_LENGTH, length));
        request("POST", path, header.as_slice(), &body)
    }
}

/// An inference request in the binary form.
pub fn binary(images: &[u8]) -> Vec<u8> {
    InferRequest::binary(images).request()
}

/// An inference request with any JSON as its body.
pub fn json(body: &str) -> Vec<u8> {
    post(INFER, body.as_bytes())
}

/// The body of an inference request in JSON.
pub fn json_body(images: &[u8]) -> String {
    String::from_utf8_lossy(&InferRequest::json(images).body().0).into_owned()
}

/// Any JSON and the bytes of tensors after it.
pub fn framed(json: &str, tensors: &[u8]) -> Vec<u8> {
    let length = json.len().to_string();
    request("POST", INFER, &[(JSON_LENGTH, &length)], &[json.as_bytes(), tensors].concat())
}

/// The raw form: the bytes of one image without any JSON.
pub fn raw(image: &[u8]) -> Vec<u8> {
    framed("", image)
}

/// `bytes` compressed by gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// `bytes` in the zlib format, which HTTP calls deflate.
pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A PNG file of grey levels, rows of `width`.
pub fn png(width: usize, pixels: &[u8]) -> anyhow::Result<Vec<u8>> {
    file(ImageFormat::Png, width, pixels)
}

/// A JPEG file of grey levels, rows of `width`.
pub fn jpeg(width: usize, pixels: &[u8]) -> anyhow::Result<Vec<u8>> {
    file(ImageFormat::Jpeg, width, pixels)
}

fn file(format: ImageFormat, width: usize, pixels: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    let [width, height] = [width, pixels.len() / width].map(|side| side as u32);
    image::write_buffer_with_format(&mut file, pixels, width, height, L8, format)?;
    Ok(file.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_binary_request_says_where_its_json_ends() {
        let images = [9; 2 * ImageShape::DIGIT.size()];
        let (body, length) = InferRequest { id: "x", ..InferRequest::binary(&images) }.body();
        let length = length.unwrap();
        assert_eq!(body[length..], images);
        let json: Value = serde_json::from_slice(&body[..length]).unwrap();
        assert_eq!(json["inputs"][0]["shape"], json!([2, 1, 28, 28]));
        assert_eq!(json["id"], "x");
        assert_eq!(InferRequest::json(&images).body().1, None);
    }

    #[test]
    fn image_files_are_read_back() {
        let pixels: Vec<u8> = (0..=255).cycle().take(40 * 30).collect();
        let png = images::decode(&png(40, &pixels).unwrap()).unwrap().to_grey();
        assert_eq!((png.width, png.height, png.pixels), (40, 30, pixels.clone()));
        let jpeg = images::decode(&jpeg(40, &pixels).unwrap()).unwrap();
        assert_eq!((jpeg.width(), jpeg.height()), (40, 30));
    }
}
