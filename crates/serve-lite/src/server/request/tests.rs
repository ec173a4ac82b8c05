//! Requests of every form, and what is parsed from them.
#![allow(clippy::unwrap_used)]

use super::*;

const DIGIT: ImageShape = ImageShape::DIGIT;
const PIXELS: usize = DIGIT.size();

fn headers(length: Option<&str>) -> HeaderMap {
    let length = length.map(|length| (HEADER_LENGTH.parse().unwrap(), length.parse().unwrap()));
    HeaderMap::from_iter(length)
}

fn json(text: &str) -> Result<InferRequest, Failure> {
    parse(&headers(None), &Bytes::from(text.to_owned()), DIGIT, 8)
}

/// A request whose binary tensor is `binary`.
fn with_binary(text: &str, binary: &[u8]) -> Result<InferRequest, Failure> {
    let body = [text.as_bytes(), binary].concat();
    parse(&headers(Some(&text.len().to_string())), &body.into(), DIGIT, 8)
}

const BINARY: &str = r#"{"parameters":{"binary_data_output":true},"inputs":[{"name":"pixels",
    "shape":[1,1,28,28],"datatype":"UINT8","parameters":{"binary_data_size":784}}]}"#;

#[test]
fn a_default_request_of_tritonclient_gets_all_outputs_in_binary() {
    let request = with_binary(BINARY, &[9; PIXELS]).unwrap();
    assert_eq!(request.pixels, vec![9; PIXELS]);
    let output = |index| RequestedOutput { index, binary: true, classification: None };
    assert_eq!(request.outputs, [output(0), output(1)]);
}

#[test]
fn the_raw_form_is_one_image() {
    let raw = |n| parse(&headers(Some("0")), &vec![5; n].into(), DIGIT, 8);
    assert_eq!(raw(PIXELS).unwrap().pixels, vec![5; PIXELS]);
    for n in [0, PIXELS - 1, 2 * PIXELS] {
        assert!(raw(n).is_err(), "{n}");
    }
}

#[test]
fn an_output_s_form_overrides_that_of_the_request() {
    let outputs = r#""outputs":[{"name":"probabilities","parameters":{"binary_data":false}},
        {"name":"logits","parameters":{"classification":3}}],"inputs""#;
    let request = with_binary(&BINARY.replacen("\"inputs\"", outputs, 1), &[0; PIXELS]).unwrap();
    let expected = [
        RequestedOutput { index: 1, binary: false, classification: None },
        RequestedOutput { index: 0, binary: true, classification: Some(3) },
    ];
    assert_eq!(request.outputs, expected);
}

#[test]
fn the_number_of_bytes_must_match_the_header() {
    let error = with_binary(BINARY, &[0; 700]).unwrap_err();
    assert!(error.message.contains("expecting 84 additional bytes"), "{}", error.message);
    let error = with_binary(BINARY, &[0; 785]).unwrap_err();
    assert!(error.message.contains("unexpected additional input data"), "{}", error.message);
    for length in ["-1", "x", "1.5", "99999", "18446744073709551616", "+5"] {
        let error =
            parse(&headers(Some(length)), &Bytes::from_static(b"{}"), DIGIT, 8).unwrap_err();
        assert!(error.message.contains("Inference-Header-Content-Length"), "{length}");
    }
}

#[test]
fn the_timeout_is_in_microseconds_and_the_id_is_kept() {
    let data = vec!["0"; PIXELS].join(",");
    let text = format!(
        r#" {{"id":"a\u0000b","parameters":{{"timeout":1500,"priority":1}},"inputs":[{{"name":"pixels",
        "datatype":"UINT8","data":[{data}],"shape":[1,1,28,28]}}],"outputs":null}}"#
    );
    let request = json(&text).unwrap();
    assert_eq!(request.timeout, Some(Duration::from_micros(1500)));
    assert_eq!(request.id.as_deref(), Some("a\0b"));
    assert!(!request.outputs[0].binary);
    assert!(json(&text.replace("[1,1,28,28]", "[9,1,28,28]")).is_err(), "more than max_batch");
    assert!(json(&text.replace("1500", "-1")).is_err());
    assert!(json(&text.replace("1500", "{}")).is_err());
    assert!(json(&text.replace("\"priority\"", "\"timeout\":1,\"id\"")).is_ok());
}

#[test]
fn the_shape_is_that_of_the_model() {
    let shape = ImageShape { channels: 3, height: 2, width: 4 };
    let raw = |n| parse(&headers(Some("0")), &vec![5; n].into(), shape, 8);
    assert_eq!(raw(24).unwrap().pixels, vec![5; 24]);
    assert!(raw(784).unwrap_err().message.contains("24 bytes"));
    let body = Bytes::from(BINARY.to_owned());
    let error = parse(&headers(None), &body, shape, 8).unwrap_err();
    assert!(error.message.contains("[n, 3, 2, 4]"), "{}", error.message);
}
