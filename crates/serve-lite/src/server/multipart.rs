//! Forms with files, as `curl -F file=@seven.png` and `requests.post(files=...)` send them (`multipart/form-data`,
//! RFC 7578), in a body that is in memory already: libraries for streams of them need four more packages.

use axum::http::{HeaderMap, header};
use bytes::Bytes;

use super::failure::Failure;

/// The most parts of a form: a page's form has a few fields beside its file.
const MAX_PARTS: usize = 64;
/// The most headers of a part; browsers send two.
const MAX_HEADERS: usize = 16;
/// The longest boundary, in bytes (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The image file of a request: the body, or the only file of the form in it.
pub(super) fn file(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Failure> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(body.clone());
    }
    let boundary = parameter(content_type, "boundary")
        .filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()))
        .ok_or_else(|| malformed("Content-Type has no valid boundary"))?;
    let parts = parts(body, boundary)?;
    let files: Vec<_> = parts.iter().filter(|part| part.is_file).collect();
    match (&files[..], &parts[..]) {
        ([file], _) => Ok(file.content.clone()),
        // A field without a file name, as `curl -F 'file=<seven.png'` sends it.
        ([], [part]) => Ok(part.content.clone()),
        _ => Err(Failure::bad(format!("the form has {} files: send one image file", files.len()))),
    }
}

struct Part {
    is_file: bool,
    content: Bytes,
}

/// The parts of a form: each begins after a line with the boundary, with headers and an empty line.
fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Part>, Failure> {
    let delimiter = format!("\r\n--{boundary}");
    // Text before the first boundary is ignored.
    let mut position = match body.starts_with(&delimiter.as_bytes()[2..]) {
        true => delimiter.len() - 2,
        false => {
            let start = find(body, delimiter.as_bytes(), 0);
            start.ok_or_else(|| malformed("its boundary is missing"))? + delimiter.len()
        }
    };
    let mut parts = Vec::new();
    loop {
        let rest = &body[position..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let line = find(body, b"\r\n", position).ok_or_else(|| malformed("a part is cut off"))?;
        let end =
            find(body, delimiter.as_bytes(), line).ok_or_else(|| malformed("a part has no end"))?;
        if parts.len() == MAX_PARTS {
            return Err(malformed("it has too many parts"));
        }
        // The headers of a part can be empty: its first line then is the empty line.
        parts.push(part(&body.slice(line + 2..end.max(line + 2)))?);
        position = end + delimiter.len();
    }
}

fn part(part: &Bytes) -> Result<Part, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let Ok(httparse::Status::Complete((length, headers))) =
        httparse::parse_headers(part, &mut headers)
    else {
        return Err(malformed("the headers of a part cannot be read"));
    };
    let disposition = headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-disposition"));
    let disposition = disposition.map(|header| String::from_utf8_lossy(header.value));
    let is_file = disposition.is_some_and(|text| {
        parameter(&text, "filename").is_some() || parameter(&text, "filename*").is_some()
    });
    Ok(Part { is_file, content: part.slice(length..) })
}

/// The value of a header's parameter, without its quotes.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) =
        parameters.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// The first position from `from` on at which `bytes` contains `pattern`, which begins with a carriage return.
fn find(bytes: &[u8], pattern: &[u8], from: usize) -> Option<usize> {
    let mut position = from;
    loop {
        position += bytes.get(position..)?.iter().position(|&byte| byte == b'\r')?;
        if bytes[position..].starts_with(pattern) {
            return Some(position);
        }
        position += 1;
    }
}

fn malformed(what: &str) -> Failure {
    let remedy = "send it with curl -F file=@FILE, or the file alone with curl --data-binary @FILE";
    Failure::bad(format!("the multipart form cannot be read, {what}: {remedy}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(content_type: &str, body: &str) -> Result<Bytes, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        file(&headers, &Bytes::from(body.to_owned()))
    }

    const FORM: &str = "multipart/form-data; boundary=\"a b\"";

    #[test]
    fn the_file_is_found_among_fields() {
        let field = "--a b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1\r\n";
        let file = "--a b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"7.png\"\r\nContent-Type: image/png\r\n\r\n\
                    \r\n-\r\n--a \r\n\r\n";
        for form in
            [format!("{field}{file}--a b--\r\n"), format!("preamble\r\n{file}{field}--a b--")]
        {
            assert_eq!(&read(FORM, &form).unwrap()[..], b"\r\n-\r\n--a \r\n");
        }
        assert_eq!(&read(FORM, &format!("{field}--a b--")).unwrap()[..], b"1");
        assert!(
            read(FORM, &format!("{file}{file}--a b--")).unwrap_err().message.contains("2 files")
        );
        assert_eq!(&read("image/png", "as it is").unwrap()[..], b"as it is");
    }

    #[test]
    fn every_cut_and_every_empty_part_is_an_error_and_no_panic() {
        let form = "--a b\r\nContent-Disposition: form-data; filename=x\r\n\r\ncontent\r\n--a b--";
        for length in 0..form.len() - 1 {
            assert!(read(FORM, &form[..length]).is_err(), "{length}");
        }
        for form in [
            "--a b\r\n--a b--",
            "--a b\r\n\r\n--a b--",
            "--a b\r\n\r\n\r\n--a b--",
            "--a b",
            "--a b--",
        ] {
            let _ = read(FORM, form);
        }
        for boundary in
            ["", "; boundary=", "; boundary=\"\"", &format!("; boundary={}", "b".repeat(71))]
        {
            assert!(read(&format!("multipart/form-data{boundary}"), form).is_err(), "{boundary}");
        }
        let many = "--a b\r\n\r\n\r\n".repeat(MAX_PARTS + 1) + "--a b--";
        assert!(read(FORM, &many).is_err());
    }
}
