//! The page, its files and its requests, and image files sent to `/v1/predict`.

use std::thread::ScopedJoinHandle;
use std::time::Duration;

use crate::models::{PIXELS, SIDES, halves, random_bytes, set_property, sides};
use crate::test_server::TestServer;
use serve_client::requests::*;
use tract_onnx::pb::ModelProto;

/// A dark stroke on white paper, 40x40, as a camera would save it.
fn jpeg() -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..40 * 40).map(|i| if (18..22).contains(&(i % 40)) { 20 } else { 250 }).collect();
    serve_client::requests::jpeg(40, &pixels).unwrap()
}

fn png(width: usize, pixels: &[u8]) -> Vec<u8> {
    serve_client::requests::png(width, pixels).unwrap()
}

/// A PNG of 28x28 pixels whose header names another size.
fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(28, &halves(1, 1));
    // The first chunk, IHDR, begins at byte 8: its length, name, width, height, five bytes more, and a checksum from
    // the name on.
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    file
}

/// [`sides`], but images are prepared as digits.
fn digits() -> ModelProto {
    let mut model = sides();
    set_property(&mut model, "kiln.prepare", "digit");
    model
}

/// A binary PGM, as the page sends drawings: a square of `side` pixels, white where there is ink.
fn pgm(side: usize, has_ink: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let mut file = format!("P5 {side} {side} 255\n").into_bytes();
    file.extend((0..side * side).map(|i| if has_ink(i % side, i / side) { 255 } else { 0 }));
    file
}

#[test]
fn the_page_is_complete_and_loads_nothing_from_elsewhere() {
    let server = TestServer::start(&sides(), &[]);
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
        // Nothing is loaded from elsewhere.
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
    // Every file that the page refers to exists.
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
fn the_pages_own_requests_pass_from_any_address_of_the_server() {
    let server = TestServer::start(&sides(), &["--host", "0.0.0.0"]);
    let port = server.address.port();
    let drawing = pgm(40, |x, _| x == 10);
    // Browsers send Sec-Fetch-Site only to 127.0.0.1 and over HTTPS: elsewhere the Origin has to do.
    for (address, site) in [("127.0.0.1", "same-origin"), ("192.168.1.5", "")] {
        let (host, origin) = (format!("{address}:{port}"), format!("http://{address}:{port}"));
        let sent = |site: &str, origin: &str| {
            let site =
                if site.is_empty() { String::new() } else { format!("Sec-Fetch-Site: {site}\r\n") };
            let head = format!(
                "POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{site}Content-Length: {}\r\n\r\n",
                drawing.len()
            );
            server.ask(&[head.as_bytes(), &drawing].concat())
        };
        let reply = sent(site, &origin);
        assert_eq!(reply.status, 200, "{address}: {}", reply.text());
        let foreign = if site.is_empty() { "" } else { "cross-site" };
        assert_eq!(sent(foreign, "http://elsewhere.example").status, 403, "{address}");
    }
}

#[test]
fn a_blank_drawing_is_a_400_that_the_page_knows() {
    let server = TestServer::start(&digits(), &[]);
    let reply = server.ask(&post("/v1/predict", &pgm(96, |_, _| false)));
    assert_eq!(reply.status, 400);
    let known = "it is blank";
    assert!(reply.error().unwrap().contains(known), "{}", reply.text());
    assert!(server.ask(&get("/server.js")).text().contains(&format!("includes(\"{known}\")")));
}

#[test]
fn a_drawing_does_not_wait_behind_photographs() {
    let server = TestServer::start(&sides(), &["--timeout", "60"]);
    let photograph = png(6000, &vec![200; 6000 * 3900]);
    let drawing =
        post("/v1/predict", &pgm(96, |x, y| (20..76).contains(&y) && (44..52).contains(&x)));
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| server.ask(&post("/v1/predict", &photograph)).status))
            .collect();
        // A small body whose image is large takes its turn among the photographs.
        assert!(photograph.len() < 256 << 10);
        std::thread::sleep(Duration::from_millis(200));
        let mut n_answered = 0;
        while !waiting.iter().any(ScopedJoinHandle::is_finished) || n_answered == 0 {
            assert_eq!(server.ask(&drawing).status, 200);
            n_answered += 1;
        }
        let n_waiting = waiting.iter().filter(|photograph| !photograph.is_finished()).count();
        assert!(n_waiting >= 3, "the drawing was answered after {} photographs", 6 - n_waiting);
    });
}

#[test]
fn an_image_file_is_prepared_and_classified() {
    let server = TestServer::start(&sides(), &[]);
    let wide: Vec<u8> =
        (0..60 * 40).map(|i| if (20..26).contains(&(i % 60)) { 10 } else { 250 }).collect();
    for file in [png(28, &halves(60, 0)), png(60, &wide), jpeg()] {
        let reply = server.ask(&post("/v1/predict", &file));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json().unwrap();
        assert_eq!(
            (&answer["model_name"], &answer["model_version"]),
            (&"mnist".into(), &"1".into())
        );
        let pixels: Vec<u8> = serde_json::from_value(answer["pixels"].clone()).unwrap();
        let grey = images::decode(&file).unwrap();
        let (shape, stretch) = (images::ImageShape::DIGIT, images::Preparation::Stretch);
        assert_eq!(pixels, images::to_network(&grey, shape, stretch).unwrap().pixels);
        // The same pixels get the same probabilities on the inference route.
        let (_, tensors) = server.ask(&binary(&pixels)).tensors().unwrap();
        // The first of equals: the stroke of the JPEG is in the middle.
        let best = (0..3).rev().max_by(|&a, &b| tensors[1][a].total_cmp(&tensors[1][b])).unwrap();
        assert_eq!(answer["label"], SIDES[best]);
        assert_eq!(answer["probabilities"].as_object().unwrap().len(), 3);
        for (class, probability) in SIDES.iter().zip(&tensors[1]) {
            let got = answer["probabilities"][class].as_f64().unwrap();
            assert!((got - f64::from(*probability)).abs() < 1e-6, "{answer}");
        }
        assert_eq!(answer["probability"], answer["probabilities"][SIDES[best]]);
    }
    let answer = server.ask(&post("/v1/predict", &png(28, &halves(60, 0)))).json().unwrap();
    assert_eq!(answer["label"], "left");
    // Neither Content-Type nor chunks matter.
    let typed = request("POST", "/v1/predict", &[("Content-Type", "image/png")], &jpeg());
    assert_eq!(server.ask(&typed).status, 200);
    assert_eq!(server.ask(&chunked("/v1/predict", &[], 100, &jpeg())).status, 200);
}

#[test]
fn files_that_are_not_images_get_an_error_message() {
    let server = TestServer::start(&digits(), &[]);
    let whole = png(60, &random_bytes(1, 60 * 60));
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    damaged[middle..middle + 50].fill(0);
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("nothing", vec![], &[400, 415]),
        ("text", b"not an image".to_vec(), &[415]),
        ("a GIF without an image", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), &[400]),
        ("a TIFF", b"II*\0\x08\0\0\0".to_vec(), &[415]),
        ("a BMP's first bytes", b"BM\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), &[400]),
        ("a WebP's first bytes", b"RIFF\0\0\0\0WEBPVP8 ".to_vec(), &[400]),
        ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), &[415]),
        ("a PDF", b"%PDF-1.7".to_vec(), &[415]),
        ("a zip", b"PK\x03\x04".to_vec(), &[415]),
        ("pixels", vec![7; PIXELS], &[415]),
        ("noise", random_bytes(9, 5000), &[415]),
        ("JSON", json_body(&halves(1, 1)).into_bytes(), &[415]),
        ("half a PNG", whole[..middle].to_vec(), &[400]),
        ("a PNG's first bytes", whole[..8].to_vec(), &[400]),
        ("a damaged PNG", damaged, &[400]),
        ("half a JPEG", jpeg()[..jpeg().len() / 2].to_vec(), &[400]),
        ("a JPEG's first bytes", jpeg()[..4].to_vec(), &[400]),
        ("blank paper", png(60, &[255; 60 * 60]), &[400]),
        ("a black image", png(60, &[0; 60 * 60]), &[400]),
        ("a gigantic claim", png_that_claims(1_000_000, 1_000_000), &[400, 413]),
        ("a claim of nothing", png_that_claims(0, 0), &[400]),
        ("too many bytes", vec![0; (16 << 20) + 1], &[413]),
    ];
    for (what, file, statuses) in cases {
        let reply = server.ask(&post("/v1/predict", &file));
        assert!(statuses.contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
        assert!(!reply.error().unwrap().is_empty(), "{what}");
    }
    // An image file may be larger than an inference request.
    let large = png(2600, &random_bytes(2, 2600 * 2600));
    assert!(large.len() > 5 << 20);
    let reply = server.ask(&post("/v1/predict", &large));
    assert!([200, 400].contains(&reply.status), "{} {}", reply.status, reply.text());
    assert_eq!(server.ask(&post("/v1/predict", &jpeg())).status, 200);
}
