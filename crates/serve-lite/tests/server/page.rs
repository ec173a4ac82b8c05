//! The page and what it is made of, and pictures posted as files.

use std::io::Write;

use crate::models::{PIXELS, SIDES, halves, random_bytes, sides};
use crate::process::Server;
use crate::requests::*;

/// A stroke on white paper, 40x40, as a camera would save it.
const JPEG: &str = "ffd8ffe000104a46494600010100000100010000ffdb0043001b12141714111b1716171e1c1b20\
    28422b28252528513a3d3042605565645f555d5b6a7899816a7190735b5d85b586909ea3abadab6780bcc9baa6c799\
    a8aba4ffc0000b080028002801011100ffc400160001010100000000000000000000000000000604ffc40020100001\
    03030501000000000000000000000001031104051202213683b251ffda0008010100003f00a60657ee14b4f54dd33a\
    ee2f3918e9c5566561378fa6a001337ce4f6febf6a5300099be727b7f5fb5298004cdf393dbfafda94c0032bf6fa5a\
    8aa6ea5d6b279b8c7564a910b29b4fd3503fffd9";

fn jpeg() -> Vec<u8> {
    let digits: Vec<u8> = JPEG.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks_exact(2).map(byte).collect()
}

/// A grey PNG.
fn png(width: usize, pixels: &[u8]) -> Vec<u8> {
    let height = pixels.len() / width;
    png_that_claims(width as u32, height as u32, width, pixels)
}

fn png_that_claims(width: u32, height: u32, row: usize, pixels: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        file.write_all(&(data.len() as u32).to_be_bytes()).unwrap();
        file.extend([name, data, &crc.sum().to_be_bytes()].concat());
    };
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&sides[..], &[8, 0, 0, 0, 0]].concat());
    // Each row says first how it was filtered: it was not.
    let rows = pixels.chunks(row).flat_map(|row| [&[0], row].concat()).collect::<Vec<u8>>();
    chunk(b"IDAT", &zlib(&rows));
    chunk(b"IEND", b"");
    file
}

#[test]
fn the_page_and_its_parts_are_all_here_and_safe() {
    let server = Server::start(&sides(), &[]);
    let parts = [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/digit.js", "text/javascript"),
        ("/samples.js", "text/javascript"),
    ];
    for (path, content_type) in parts {
        let reply = server.ask(&get(path));
        assert_eq!(reply.status, 200, "{path}");
        let got = reply.header("content-type").unwrap();
        assert!(got.starts_with(content_type), "{path}: {got}");
        assert!(got.contains("charset=utf-8"), "{path}: {got}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("{path}"));
        let directive = |name: &str| {
            policy.split(';').map(str::trim).find(|d| d.split(' ').next() == Some(name))
        };
        assert!(directive("default-src").is_some(), "{policy}");
        for name in ["default-src", "script-src"] {
            let unsafe_source =
                directive(name).is_some_and(|d| d.contains("unsafe") || d.contains('*'));
            assert!(!unsafe_source, "{policy}");
        }
        assert!(!reply.body.is_empty() && reply.header("content-encoding").is_none(), "{path}");
        // Nothing comes from elsewhere.
        for elsewhere in [
            "src=\"http",
            "href=\"http",
            "src=\"//",
            "href=\"//",
            "url(http",
            "@import",
            "from \"http",
        ] {
            assert!(!reply.text().contains(elsewhere), "{path} has {elsewhere}");
        }
    }
    // Whatever the page refers to is there.
    let page = server.ask(&get("/")).text();
    let references = ["src=\"", "href=\""]
        .into_iter()
        .flat_map(|start| page.split(start).skip(1).map(|rest| rest.split('"').next().unwrap()));
    let references: Vec<_> =
        references.filter(|r| !r.starts_with('#') && !r.starts_with("data:")).collect();
    assert!(references.len() >= 2, "{references:?}");
    for reference in references {
        let path = format!("/{}", reference.trim_start_matches(['.', '/']));
        assert_eq!(server.ask(&get(&path)).status, 200, "{reference}");
    }
    assert!(!page.contains(" onclick=") && !page.contains(" style=\""), "the policy forbids it");
}

#[test]
fn a_picture_file_is_prepared_and_classified() {
    let server = Server::start(&sides(), &[]);
    let wide: Vec<u8> =
        (0..60 * 40).map(|i| if (20..26).contains(&(i % 60)) { 10 } else { 250 }).collect();
    for file in [png(28, &halves(60, 0)), png(60, &wide), jpeg()] {
        let reply = server.ask(&post("/v1/predict", &file));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        assert_eq!(
            (&answer["model_name"], &answer["model_version"]),
            (&"mnist".into(), &"1".into())
        );
        let pixels: Vec<u8> = serde_json::from_value(answer["pixels"].clone()).unwrap();
        let grey = images::decode(&file).unwrap();
        assert_eq!(pixels, images::to_network(&grey, images::Preparation::Auto).unwrap());
        // The same pixels have the same probabilities on the other route.
        let (_, tensors) = server.ask(&binary(&pixels)).tensors();
        let best = (0..3).max_by(|&a, &b| tensors[1][a].total_cmp(&tensors[1][b])).unwrap();
        assert_eq!(answer["label"], SIDES[best]);
        assert_eq!(answer["probabilities"].as_object().unwrap().len(), 3);
        for (class, probability) in SIDES.iter().zip(&tensors[1]) {
            let got = answer["probabilities"][class].as_f64().unwrap();
            assert!((got - f64::from(*probability)).abs() < 1e-6, "{answer}");
        }
        assert_eq!(answer["probability"], answer["probabilities"][SIDES[best]]);
    }
    let answer = server.ask(&post("/v1/predict", &png(28, &halves(60, 0)))).json();
    assert_eq!(answer["label"], "left");
    // The label of the body is the sender's business, and so are its chunks.
    let typed = request("POST", "/v1/predict", &[("Content-Type", "image/png")], &jpeg());
    assert_eq!(server.ask(&typed).status, 200);
    assert_eq!(server.ask(&chunked("/v1/predict", &[], 100, &jpeg())).status, 200);
}

#[test]
fn what_is_no_picture_is_refused_in_words() {
    let server = Server::start(&sides(), &[]);
    let whole = png(60, &random_bytes(1, 60 * 60));
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle..middle + 50].fill(0);
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("nothing", vec![], &[400, 415]),
        ("text", b"not a picture".to_vec(), &[415]),
        ("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), &[415]),
        ("a BMP", b"BM\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), &[415]),
        ("a WebP", b"RIFF\0\0\0\0WEBPVP8 ".to_vec(), &[415]),
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), &[415]),
        ("a PDF", b"%PDF-1.7".to_vec(), &[415]),
        ("a zip", b"PK\x03\x04".to_vec(), &[415]),
        ("pixels", vec![7; PIXELS], &[415]),
        ("noise", random_bytes(9, 5000), &[415]),
        ("JSON", json_body(&halves(1, 1)).into_bytes(), &[415]),
        ("half a PNG", whole[..middle].to_vec(), &[400]),
        ("a PNG's first bytes", whole[..8].to_vec(), &[400]),
        ("a damaged PNG", damaged, &[400]),
        ("half a JPEG", jpeg()[..150].to_vec(), &[400]),
        ("a JPEG's first bytes", jpeg()[..4].to_vec(), &[400]),
        ("blank paper", png(60, &[255; 60 * 60]), &[400]),
        ("a black picture", png(60, &[0; 60 * 60]), &[400]),
        ("a gigantic claim", png_that_claims(1_000_000, 1_000_000, 28, &halves(1, 1)), &[400, 413]),
        ("a claim of nothing", png_that_claims(0, 0, 28, &halves(1, 1)), &[400]),
        ("too many bytes", vec![0; (16 << 20) + 1], &[413]),
    ];
    for (what, file, statuses) in cases {
        let reply = server.ask(&post("/v1/predict", &file));
        assert!(statuses.contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
        assert!(!reply.error().is_empty(), "{what}");
    }
    // A photograph is larger than a request of tensors may be.
    let large = png(2600, &random_bytes(2, 2600 * 2600));
    assert!(large.len() > 5 << 20);
    let reply = server.ask(&post("/v1/predict", &large));
    assert!([200, 400].contains(&reply.status), "{} {}", reply.status, reply.text());
    assert_eq!(server.ask(&post("/v1/predict", &jpeg())).status, 200);
}
