//! Image files as `curl -F` and `requests` send them, and what is said of files that cannot be used.

use crate::models::{halves, random_bytes, sides};
use crate::test_server::TestServer;
use serve_client::requests::*;

/// A form of named parts: a file name where it is a file, and the content.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    const BOUNDARY: &str = "------------------------d74496d66958873e";
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        );
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    request("POST", PREDICT, &[("Content-Type", &kind)], &body)
}

#[test]
fn the_file_of_a_form_is_classified() {
    let server = TestServer::start(&sides(), &[]);
    let png = png(28, &halves(60, 0)).unwrap();
    let alone = server.ask(&post(PREDICT, &png));
    assert_eq!(alone.status, 200, "{}", alone.text());
    for parts in [
        &[("file", Some("seven.png"), &png[..])][..],
        &[("image", Some(""), &png)],
        &[("model", None, b"mnist"), ("file", Some("a;b.png"), &png), ("more", None, b"")],
        &[("file", None, &png)],
    ] {
        let reply = server.ask(&form(parts));
        assert_eq!((reply.status, reply.text()), (200, alone.text()));
    }
    for (parts, says) in [
        (&[][..], "0 files"),
        (&[("a", None, &b"1"[..]), ("b", None, b"2")], "0 files"),
        (&[("file", Some("a"), &png), ("file", Some("b"), &png)], "2 files"),
    ] {
        let reply = server.ask(&form(parts));
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert!(reply.error().unwrap().contains(says), "{}", reply.text());
    }
    let typed = |kind: &str| server.ask(&request("POST", PREDICT, &[("Content-Type", kind)], &png));
    let reply = typed("multipart/form-data");
    assert_eq!(reply.status, 400);
    assert!(reply.error().unwrap().contains("curl -F file=@FILE"), "{}", reply.text());
    assert_eq!(typed("multipart/form-data; boundary=x").status, 400);
    // What curl's -d makes of a file: without its line breaks, and labelled as a form's text.
    let broken: Vec<u8> = png.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = server.ask(&request("POST", PREDICT, &kind, &broken));
    assert_eq!(reply.status, 415, "{}", reply.text());
    assert!(reply.error().unwrap().contains("--data-binary"), "{}", reply.text());
    assert_eq!(server.ask(&request("POST", PREDICT, &kind, &png)).status, 200);
}

#[test]
fn a_file_that_is_too_large_is_told_the_limit_that_applies() {
    let server = TestServer::start(&sides(), &[]);
    // 27 megapixels in a small file.
    let photograph = png(6000, &vec![200; 6000 * 4500]).unwrap();
    let reply = server.ask(&post(PREDICT, &photograph));
    let message = reply.error().unwrap();
    assert_eq!(reply.status, 413, "{message}");
    assert!(message.contains("6000x4500") && message.contains("24 megapixels"), "{message}");
    assert!(!message.contains("MiB"), "{message}");
    let long = png(20_000, &vec![200; 20_000 * 10]).unwrap();
    let message = server.ask(&post(PREDICT, &long)).error().unwrap();
    assert!(message.contains("16384 pixels a side"), "{message}");
    let message = server.ask(&post(PREDICT, &random_bytes(1, 17 << 20))).error().unwrap();
    assert!(message.contains("16 MiB") && message.contains("scale the image"), "{message}");
}
