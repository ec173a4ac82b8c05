//! What is made of a request's bytes.
#![allow(clippy::unwrap_used)]

use super::*;

fn headers(length: Option<&str>) -> HeaderMap {
    let length = length.map(|length| (HEADER_LENGTH.parse().unwrap(), length.parse().unwrap()));
    HeaderMap::from_iter(length)
}

fn json(text: &str) -> Result<Asked, Failure> {
    parse(&headers(None), &Bytes::from(text.to_owned()), 8)
}

/// A request whose binary tensor is `binary`.
fn with_binary(text: &str, binary: &[u8]) -> Result<Asked, Failure> {
    let body = [text.as_bytes(), binary].concat();
    parse(&headers(Some(&text.len().to_string())), &body.into(), 8)
}

const BINARY: &str = r#"{"parameters":{"binary_data_output":true},"inputs":[{"name":"pixels",
    "shape":[1,1,28,28],"datatype":"UINT8","parameters":{"binary_data_size":784}}]}"#;

#[test]
fn a_default_request_of_tritonclient_asks_for_all_outputs_in_binary() {
    let asked = with_binary(BINARY, &[9; PIXELS]).unwrap();
    assert_eq!(asked.pixels, vec![9; PIXELS]);
    let output = |index| Output { index, binary: true, classification: None };
    assert_eq!(asked.outputs, [output(0), output(1)]);
}

#[test]
fn the_raw_form_is_one_picture() {
    let raw = |n| parse(&headers(Some("0")), &vec![5; n].into(), 8);
    assert_eq!(raw(PIXELS).unwrap().pixels, vec![5; PIXELS]);
    for n in [0, PIXELS - 1, 2 * PIXELS] {
        assert!(raw(n).is_err(), "{n}");
    }
}

#[test]
fn an_output_overrules_the_request_on_its_form() {
    let outputs = r#""outputs":[{"name":"probabilities","parameters":{"binary_data":false}},
        {"name":"logits","parameters":{"classification":3}}],"inputs""#;
    let asked = with_binary(&BINARY.replacen("\"inputs\"", outputs, 1), &[0; PIXELS]).unwrap();
    let expected = [
        Output { index: 1, binary: false, classification: None },
        Output { index: 0, binary: true, classification: Some(3) },
    ];
    assert_eq!(asked.outputs, expected);
}

#[test]
fn bytes_must_be_as_many_as_the_header_says() {
    let error = with_binary(BINARY, &[0; 700]).unwrap_err();
    assert!(error.message.contains("expecting 84 additional bytes"), "{}", error.message);
    let error = with_binary(BINARY, &[0; 785]).unwrap_err();
    assert!(error.message.contains("unexpected additional input data"), "{}", error.message);
    for length in ["-1", "x", "1.5", "99999", "18446744073709551616", "+5"] {
        let error = parse(&headers(Some(length)), &Bytes::from_static(b"{}"), 8).unwrap_err();
        assert!(error.message.contains("Inference-Header-Content-Length"), "{length}");
    }
}

#[test]
fn timeout_is_in_microseconds_and_an_id_comes_through() {
    let data = vec!["0"; PIXELS].join(",");
    let text = format!(
        r#" {{"id":"a\u0000b","parameters":{{"timeout":1500,"priority":1}},"inputs":[{{"name":"pixels",
        "datatype":"UINT8","data":[{data}],"shape":[1,1,28,28]}}],"outputs":null}}"#
    );
    let asked = json(&text).unwrap();
    assert_eq!(asked.timeout, Some(Duration::from_micros(1500)));
    assert_eq!(asked.id.as_deref(), Some("a\0b"));
    assert!(!asked.outputs[0].binary);
    assert!(json(&text.replace("[1,1,28,28]", "[9,1,28,28]")).is_err(), "more than max_batch");
    assert!(json(&text.replace("1500", "-1")).is_err());
    assert!(json(&text.replace("1500", "{}")).is_err());
    assert!(json(&text.replace("\"priority\"", "\"timeout\":1,\"id\"")).is_ok());
}
