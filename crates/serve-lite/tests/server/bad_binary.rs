//! Binary requests whose sizes don't add up. All of them are answered with 400.

use crate::bad::Case;
use crate::models::PIXELS;
use serve_client::requests::{INFER, JSON_LENGTH, framed, request};

/// The JSON in front of one picture.
const HEADER: &str = r#"{"inputs":[{"name":"pixels","shape":[1,1,28,28],"datatype":"UINT8","parameters":{"binary_data_size":784}}]}"#;

/// Parts of the JSON and what stands in their places, before one whole picture.
#[rustfmt::skip]
const REPLACED: &[(&str, &[&str], &str)] = &[
    ("784", &[
        "783", "785", "0", "1568", "-1", "-784", "784.5", "\"784\"", "null", "true", "[784]", "{}",
        "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "1e400", "784000000000",
    ], "binary_data_size|size|byte|number"),
    ("[1,1,28,28]", &[
        "[2,1,28,28]", "[0,1,28,28]", "[-1,1,28,28]", "[1,28,28,1]", "[784]", "[]",
        "[1,1,28,27]", "[1025,1,28,28]", "[9223372036854775808,1,28,28]", "[16,1152921504606846978]",
        "[1152921504606846977,1,28,28]", "[23529211,1,28,28]",
    ], "shape|pictures"),
    ("\"UINT8\"", &["\"FP32\"", "\"BYTES\"", "\"BF16\"", "\"FP16\"", "\"BOOL\"", "\"INT8\""],
        "datatype"),
    ("\"pixels\"", &["\"image\"", "\"\""], "pixels|name"),
    ("\"parameters\"", &["\"data\":[0],\"parameters\"", "\"data\":[],\"parameters\""], "both|data"),
    ("{\"binary_data_size\":784}", &["{}", "784", "null", "{\"binary_data_Size\":784}"], "data|parameter"),
    (",\"parameters\":{\"binary_data_size\":784}", &[""], "data"),
    ("{\"inputs\"", &["\"inputs\"", " ", "[{\"inputs\"", "{\"outputs\":[],\"input\""], "json|input|expected"),
    ("}]}", &[
        "}]", "}]}}",
        "},{\"name\":\"pixels\",\"shape\":[1,1,28,28],\"datatype\":\"UINT8\",\"parameters\":{\"binary_data_size\":784}}]}",
        "},{\"name\":\"more\",\"shape\":[0],\"datatype\":\"UINT8\",\"parameters\":{\"binary_data_size\":0}}]}",
    ], "json|input|end|eof|line|trailing"),
];

pub(crate) fn cases() -> Vec<Case> {
    let picture = [0; PIXELS];
    let mut cases = Vec::new();
    for (part, others, says) in REPLACED {
        for other in *others {
            assert!(HEADER.contains(part), "{part}");
            let request = framed(&HEADER.replacen(part, other, 1), &picture);
            cases.push(Case::new(format!("binary: {part} -> {other}"), request, &[400], says));
        }
    }
    cases.extend(too_many_and_too_few());
    cases.extend(lengths());
    cases
}

/// The right JSON before too many and too few bytes.
fn too_many_and_too_few() -> Vec<Case> {
    let mut cases: Vec<_> = [0, 1, 783, 785, 1568, 3136, 100_000]
        .iter()
        .map(|&size| {
            let request = framed(HEADER, &vec![0; size]);
            Case::new(format!("{size} bytes for 784"), request, &[400], "byte|size|data")
        })
        .collect();
    for size in [0, 1, 28, 783, 785, 1568, 3136] {
        let request = request("POST", INFER, &[(JSON_LENGTH, "0")], &vec![0; size]);
        cases.push(Case::new(format!("raw: {size} bytes"), request, &[400], "784|byte|empty"));
    }
    // One picture more than a request may have, and JSON of it.
    let (n, size) = (1025, 1025 * PIXELS);
    let header = HEADER.replace("[1,1", &format!("[{n},1")).replace("784", &size.to_string());
    let request = framed(&header, &vec![0; size]);
    cases.push(Case::new("1025 pictures".into(), request, &[400], "1024"));
    cases
}

/// The header that says how much of the body is JSON.
fn lengths() -> Vec<Case> {
    let body = [HEADER.as_bytes(), &[0; PIXELS]].concat();
    let right = HEADER.len();
    let ask = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| (JSON_LENGTH, *value)).collect();
        let name = format!("{JSON_LENGTH}: {values:?}");
        let says = "inference-header-content-length|length|json|byte|784";
        Case::new(name, request("POST", INFER, &headers, &body), &[400], says)
    };
    let right_text = right.to_string();
    let near: Vec<String> = [right - 1, right + 1, body.len(), body.len() + 1, 1]
        .iter()
        .map(ToString::to_string)
        .chain(
            ["-1", "abc", "", "0x6e", "1.5", "2147483648", "4294967406", "9223372036854775808"]
                .map(Into::into),
        )
        .chain(
            ["18446744073709551615", "18446744073709551616", "99999999999999999999999"]
                .map(Into::into),
        )
        .chain([
            format!("+{right}"),
            format!("-{right}"),
            format!("{right}.0"),
            format!("{right},{right}"),
            format!("{right} {right}"),
        ])
        .collect();
    let mut cases: Vec<_> = near.iter().map(|value| ask(&[value])).collect();
    cases.push(ask(&[&right_text, "0"]));
    cases.push(ask(&["0", &right_text]));
    cases.push(ask(&[&right_text, &right_text]));
    // The tensors are there, but nothing says where they begin.
    let request = request("POST", INFER, &[], &body);
    cases.push(Case::new(format!("no {JSON_LENGTH}"), request, &[400], "json|length|binary"));
    cases
}
