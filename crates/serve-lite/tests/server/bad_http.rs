//! Bad requests around good bodies, and bytes that are not HTTP.

use crate::bad::Case;
use crate::bad_json::good;
use serve_client::requests::{INFER, JSON_LENGTH, binary, chunked, get, gzip, post, request, zlib};

/// Paths that do not exist for POST.
#[rustfmt::skip]
const POSTED: &[&str] = &[
    "/v2/models/nosuch/infer", "/v2/models/MNIST/infer", "/v2/models/mnist%20/infer",
    "/v2/models//infer", "/v2/models/../infer", "/v2/models/%2e%2e/infer", "/v2/models/./infer",
    "/v2/models/%2fmnist/infer", "/v2/models/mnist/infer/",
    "/v2/models/mnist/infer//", "//v2/models/mnist/infer", "/v2//models/mnist/infer",
    "/v2/models/mnist//infer", "/V2/models/mnist/infer", "/v2/Models/mnist/infer",
    "/v2/models/mnist/Infer", "/v2/models/mnist/inferx", "/v2/models/mnist/infer/1",
    "/v2/models/mnist/versions/0/infer", "/v2/models/mnist/versions/2/infer",
    "/v2/models/mnist/versions/-1/infer", "/v2/models/mnist/versions/abc/infer",
    "/v2/models/mnist/versions/01/infer", "/v2/models/mnist/versions/1.0/infer",
    "/v2/models/mnist/versions/+1/infer", "/v2/models/mnist/versions/%201/infer",
    "/v2/models/mnist/versions//infer", 
    "/v2/models/mnist/versions/18446744073709551617/infer", "/v2/models/mnist/versions/1/infer/",
    "/v2/models/mnist/versions/1/1/infer", "/v2/models/mnist/Versions/1/infer",
    "/v2/models/%00/infer", "/v2/models/mnist%00/infer", "/v2/models/%c3%a4/infer",
    "/v3/models/mnist/infer", "/v2/mnist/infer", "/infer", "/v1/predict/",
    "/v1/models/mnist:predict", "/v2/models/mnist/generate", "/v2/models/mnist/unload",
    "/v2/repository", "/v2/repository/models/mnist", "/v2/repository/models/mnist/load/",
    "/v2/repository/models/nosuch/load", "/v2/repository/models/nosuch/unload",
];

/// Paths that do not exist for GET.
#[rustfmt::skip]
const GOT: &[&str] = &[
    "/nosuch", "/v1", "/v2/", "/v2/health", "/v2/health/", "/v2/health/live/", "/v2/health/ready/",
    "/v2/health/Live", "/v2/health/nosuch", "/v2/models", "/v2/models/", "/v2/models/mnist/",
    "/v2/models/mnist//", "/v2/models/nosuch", "/v2/models/nosuch/ready", "/v2/models/nosuch/config",
    "/v2/models/nosuch/stats", "/v2/models/mnist/nosuch", "/v2/models/mnist/ready/",
    "/v2/models/mnist/config/", "/v2/models/mnist/stats/", "/v2/models/mnist/versions",
    "/v2/models/mnist/versions/", "/v2/models/mnist/versions/2", "/v2/models/mnist/versions/1/",
    "/v2/models/mnist/versions/2/ready", "/v2/models/mnist/versions/0/config",
    "/v2/models/mnist/versions/abc/stats", "/v2/models/stats/", "/v2/logging", "/v2/trace/setting",
    "/v2/systemsharedmemory/status", "/metrics/", "/Metrics", "//metrics", "/index.html",
    "/page.css/", "/page.html", "/.git/config", "/../../etc/passwd", "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd", "/page.css%00", "/model.onnx", "//",
];

/// Not HTTP/1: refused by the HTTP library, with an empty reply or none.
#[rustfmt::skip]
pub(crate) const NOT_HTTP: &[&[u8]] = &[
    b"GET /\r\n\r\n", b"GET /v2/health/live\r\n\r\n", b"hello\r\n\r\n", b"\0\0\0\0\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", b"GET / HTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
    b"GET / HTTP/1.1\r\na b: c\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nx: \0\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GE\x01T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n{}",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: +2\r\n\r\n{}",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n{}",
    b"POST /v2/models/mnist/infer HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n{}",
];

pub(crate) fn cases() -> Vec<Case> {
    let body = good();
    let body = body.as_bytes();
    let mut cases = Vec::new();
    for path in POSTED {
        cases.push(Case::new(format!("POST {path}"), post(path, body), &[404], ""));
    }
    for path in GOT.iter().filter(|path| **path != "/v2/") {
        cases.push(Case::new(format!("GET {path}"), get(path), &[404], ""));
    }
    // Each could be the metadata of a model or version of that name, which does not exist either.
    for path in ["/v2/models/mnist%2finfer", "/v2/models/infer", "/v2/models/mnist/versions/infer"]
    {
        cases.push(Case::new(format!("POST {path}"), post(path, body), &[404, 405], ""));
    }
    // Not UTF-8, or not percent-encoding.
    for path in ["/v2/models/%ff%fe/infer", "/v2/models/%e0%a4/infer", "/v2/models/%zz/infer"] {
        cases.push(Case::new(format!("POST {path}"), post(path, body), &[400, 404], ""));
    }
    let long = format!("/v2/models/{}/infer", "m".repeat(10 << 10));
    let case = Case::new("a model's name of 10 KiB".into(), post(&long, body), &[404], "");
    cases.push(case);
    cases.extend(encodings(body));
    cases.extend(chunks(body));
    cases
}

fn encodings(body: &[u8]) -> Vec<Case> {
    let with = |encoding: &str, body: &[u8], status: &'static [u16], says: &'static str| {
        let request = request("POST", INFER, &[("Content-Encoding", encoding)], body);
        let name = format!("{encoding:?} with {:?}...", &body[..body.len().min(8)]);
        Case::new(name, request, status, says)
    };
    let mut cases = Vec::new();
    for encoding in
        ["br", "zstd", "compress", "x-nosuch", "utf-8", "gzip, br", "gzip, gzip", "gzip;q=1", "*"]
    {
        cases.push(with(encoding, &gzip(body), &[415], "encoding|gzip"));
    }
    let whole = gzip(body);
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 1;
    let mut damaged = whole.clone();
    damaged[10..14].fill(0xff);
    for broken in [
        &whole[..whole.len() / 2],
        &whole[..whole.len() - 1],
        &whole[..10],
        &whole[..3],
        &[],
        body,
        &zlib(body),
        &wrong_sum,
        &damaged,
        &gzip(&whole),
        &gzip(b""),
        &gzip(b"{}"),
    ] {
        cases.push(with("gzip", broken, &[400], ""));
    }
    let whole = zlib(body);
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    for broken in [
        &whole[..whole.len() / 2],
        &whole[..whole.len() - 1],
        &[],
        body,
        &gzip(body),
        &wrong_sum,
        &zlib(&whole),
        &zlib(b""),
    ] {
        cases.push(with("deflate", broken, &[400], ""));
    }
    // The length in the header is that of the JSON before compression.
    for length in [body.len() + 1, 1 << 40] {
        let length = length.to_string();
        let headers = [("Content-Encoding", "gzip"), (JSON_LENGTH, length.as_str())];
        let request = request("POST", INFER, &headers, &gzip(body));
        cases.push(Case::new(format!("gzip, {JSON_LENGTH} {length}"), request, &[400], ""));
    }
    cases
}

/// Chunked bodies with wrong sizes or without an end.
fn chunks(body: &[u8]) -> Vec<Case> {
    let head =
        format!("POST {INFER} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    let with = |chunks: &str| [head.as_bytes(), chunks.as_bytes()].concat();
    let mut cases = Vec::new();
    for broken in [
        "zz\r\n{}\r\n0\r\n\r\n",
        "-2\r\n{}\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "2\r\n{}}}\r\n0\r\n\r\n",
        "\r\n\r\n",
    ] {
        let name = format!("chunks {broken:?}");
        cases.push(Case::new(name, with(broken), &[400], "").or_closed());
    }
    let empty = chunked(INFER, &[], 1, b"");
    cases.push(Case::new("no chunk".into(), empty, &[400], "empty|json|expected"));
    let cut = chunked(INFER, &[], 100, &body[..body.len() / 2]);
    cases.push(Case::new("half a body in chunks".into(), cut, &[400], "json|end|eof"));
    // The client stops within the body and closes its sending half.
    let whole = binary(&[0; 784]);
    for cut in [whole.len() - 1, whole.len() - 700] {
        let name = format!("a request cut at {cut} of {} bytes", whole.len());
        cases.push(Case::new(name, whole[..cut].to_vec(), &[400], "").or_closed());
    }
    let open = chunked(INFER, &[], 100, body);
    let case = Case::new("no final chunk".into(), open[..open.len() - 5].to_vec(), &[400], "");
    cases.push(case.or_closed());
    cases
}
