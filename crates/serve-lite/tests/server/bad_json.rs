//! Bodies of JSON that are no requests. All of them are answered with 400.

use crate::bad::Case;
use serve_client::requests::{INFER, json, post};

/// A good request; the tokens `Z784` and so on stand for as many zeros with commas between them,
/// `ROW` for a row of a picture in brackets, `ROWS27` for 27 of them.
const GOOD: &str =
    r#"{"inputs":[{"name":"pixels","shape":[1,1,28,28],"datatype":"UINT8","data":[Z784]}]}"#;
/// Where a further field of the request goes.
const END: &str = "]}]}";

/// A part of the good request, what stands in its place, and what the error must speak of: one of
/// the words between bars.
#[rustfmt::skip]
const REPLACED: &[(&str, &[&str], &str)] = &[
    ("[1,1,28,28]", &[
        "[]", "[1]", "[784]", "[1,784]", "[28,28]", "[1,28,28]", "[1,28,28,1]", "[1,1,28]",
        "[1,1,28,28,1]", "[1,1,1,28,28]", "[0,1,28,28]", "[1,0,28,28]", "[-1,1,28,28]",
        "[1,1,-28,-28]", "[1.5,1,28,28]", "[2,1,28,28]", "[1,1,27,28]", "[1,1,28,29]",
        "[1,3,28,28]", "[1,1,784,1]", "[1,1,14,56]", "[1025,1,28,28]", "[4294967297,1,28,28]",
        "[9223372036854775808,1,28,28]", "[18446744073709551615,1,28,28]",
        "[18446744073709551616,1,28,28]", "[16,1152921504606846978]",
        "[16,1152921504606846978,1,1]", "[65536,65536,65536,65536]", "[1e400,1,28,28]",
        "[true,1,28,28]", "[null,1,28,28]", "[\"1\",1,28,28]", "[[1,1,28,28]]", "[[1],1,28,28]",
        "\"1,1,28,28\"", "784", "null", "true", "{}", "{\"0\":1}", "[Z100000]",
    ], "shape|pictures|number"),
    ("\"UINT8\"", &[
        "\"uint8\"", "\"Uint8\"", "\"UINT8 \"", "\"U8\"", "\"\"", "\"FP32\"", "\"FP64\"",
        "\"FP16\"", "\"BF16\"", "\"BOOL\"", "\"BYTES\"", "\"INT8\"", "\"INT32\"", "\"INT64\"",
        "\"UINT16\"", "\"UINT64\"", "\"UINT8\\u0000\"", "null", "8", "[\"UINT8\"]", "{}", "true",
    ], "datatype"),
    ("\"pixels\"", &[
        "\"\"", "\"Pixels\"", "\"pixels \"", "\"image\"", "\"logits\"", "\"pixels\\u0000\"",
        "null", "5", "[\"pixels\"]", "{}", "true",
    ], "pixels|name"),
    ("[Z784]", &[
        "[]", "[Z783]", "[Z785]", "[Z1568]", "[Z783,-1]", "[Z783,256]", "[Z783,0.5]",
        "[Z783,1e400]", "[Z783,99999999999999999999]", "[Z783,-9223372036854775809]",
        "[Z783,null]", "[Z783,true]", "[Z783,\"0\"]", "[Z783,\"\"]", "[Z783,{}]", "[Z783,[]]",
        "[Z783,[0]]", "[[0],Z783]", "[Z783,NaN]", "[Z783,-Infinity]", "[Z783,Infinity]",
        "[Z784,]", "[,Z784]", "[Z783,00]", "[Z783,+1]", "[Z783,0x1]", "[Z783,.5]", "[Z783,1.]",
        "[[[ROWS27]]]", "[[[ROWS27,[Z27]]]]", "[[[ROWS27,[Z29]]]]", "[[[ROWS27,Z28]]]",
        "[[[ROWS27,[[Z28]]]]]", "[[[ROWS27,ROW,ROW]]]", "[[[ROWS27,ROW]],[[ROWS27,ROW]]]",
        "[[[[[[ROWS27,ROW]]]]]]", "[[[ROWS27,[Z27,null]]]]", "[[[ROWS27,[Z27,256]]]]",
        "[[[[ROWS27,[Z28]]],0]]", "0", "null", "true", "\"Z784\"", "{\"0\":0}",
    ], "data|value|number|pixel|json"),
    ("\"name\":\"pixels\",", &["", "\"Name\":\"pixels\","], "name"),
    ("\"shape\":[1,1,28,28],", &["", "\"shapes\":[1,1,28,28],"], "shape"),
    ("\"datatype\":\"UINT8\",", &["", "\"datatyp\":\"UINT8\","], "datatype"),
    (",\"data\":[Z784]", &["", ",\"values\":[Z784]"], "data"),
    // Repeated keys: whichever were believed, another program may believe the other.
    ("\"name\":", &["\"name\":\"pixels\",\"name\":"], "name|duplicate"),
    ("\"shape\":", &["\"shape\":[1,1,28,28],\"shape\":"], "shape|duplicate"),
    ("\"datatype\":", &["\"datatype\":\"FP32\",\"datatype\":"], "datatype|duplicate"),
    ("\"data\":", &["\"data\":[1],\"data\":", "\"data\":[Z784],\"data\":"], "data|duplicate"),
    ("{\"inputs\":", &["{\"inputs\":[],\"inputs\":", "{\"id\":\"a\",\"id\":\"b\",\"inputs\":"],
        "inputs|id|duplicate"),
    ("{\"inputs\":", &["{", "{\"input\":", "{\"Inputs\":"], "inputs|expected|json"),
    // The tensor's own parameters.
    ("\"data\":", &[
        "\"parameters\":5,\"data\":", "\"parameters\":[],\"data\":", "\"parameters\":\"x\",\"data\":",
        "\"parameters\":{\"a\":{\"b\":1}},\"data\":", "\"parameters\":{\"a\":[1]},\"data\":",
    ], "parameter"),
    ("\"data\":", &[
        "\"parameters\":{\"binary_data_size\":784},\"data\":",
        "\"parameters\":{\"binary_data_size\":0},\"data\":",
    ], "binary_data_size|both"),
    (",\"data\":[Z784]", &[
        ",\"parameters\":{\"binary_data_size\":784}", ",\"parameters\":{\"binary_data_size\":0}",
        ",\"parameters\":{\"binary_data_size\":-1}", ",\"parameters\":{\"binary_data_size\":\"784\"}",
        ",\"parameters\":{}", ",\"parameters\":{\"binary_data_size\":null}",
        ",\"parameters\":{\"shared_memory_region\":\"r\",\"shared_memory_byte_size\":784}",
    ], "data|binary_data_size|byte|parameter"),
    // Other inputs.
    ("[{\"name\":\"pixels\"", &[
        "[5,{\"name\":\"pixels\"", "[null,{\"name\":\"pixels\"", "[[],{\"name\":\"pixels\"",
        "[{},{\"name\":\"pixels\"",
        "[{\"name\":\"pixels\",\"shape\":[1,1,28,28],\"datatype\":\"UINT8\",\"data\":[Z784]},{\"name\":\"pixels\"",
        "[{\"name\":\"mask\",\"shape\":[1],\"datatype\":\"UINT8\",\"data\":[0]},{\"name\":\"pixels\"",
    ], "input"),
    // Outputs.
    (END, &[
        "]}],\"outputs\":5}", "]}],\"outputs\":\"logits\"}", "]}],\"outputs\":{}}",
        "]}],\"outputs\":[5]}", "]}],\"outputs\":[null]}", "]}],\"outputs\":[\"logits\"]}",
        "]}],\"outputs\":[[]]}", "]}],\"outputs\":[{}]}", "]}],\"outputs\":[{\"name\":5}]}",
        "]}],\"outputs\":[{\"name\":null}]}", "]}],\"outputs\":[{\"name\":\"\"}]}",
        "]}],\"outputs\":[{\"name\":\"Logits\"}]}", "]}],\"outputs\":[{\"name\":\"pixels\"}]}",
        "]}],\"outputs\":[{\"name\":\"logits\"},{\"name\":\"logits\"}]}",
        "]}],\"outputs\":[{\"name\":\"logits\"},{\"name\":\"probabilities\"},{\"name\":\"logits\"}]}",
        "]}],\"outputs\":[{\"name\":\"logits\"},{\"name\":\"other\"}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":5}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":[]}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"a\":{}}}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"binary_data\":\"yes\"}}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"binary_data\":1}}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":-1}}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":1.5}}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":\"3\"}}]}",
        "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":true}}]}",
    ], "output|parameter|binary_data|classification"),
    // The request's own fields.
    (END, &[
        "]}],\"id\":5}", "]}],\"id\":true}", "]}],\"id\":[]}", "]}],\"id\":{}}",
        "]}],\"id\":1.5}",
    ], "id"),
    (END, &[
        "]}],\"parameters\":5}", "]}],\"parameters\":[]}", "]}],\"parameters\":\"x\"}",
        "]}],\"parameters\":{\"a\":{\"b\":1}}}", "]}],\"parameters\":{\"a\":[1]}}",
        "]}],\"parameters\":{\"timeout\":-1}}", "]}],\"parameters\":{\"timeout\":\"5\"}}",
        "]}],\"parameters\":{\"timeout\":1.5}}", "]}],\"parameters\":{\"timeout\":true}}",
        "]}],\"parameters\":{\"timeout\":18446744073709551616}}",
        "]}],\"parameters\":{\"binary_data_output\":\"yes\"}}",
        "]}],\"parameters\":{\"binary_data_output\":1}}",
    ], "parameter|timeout|binary_data_output"),
    // Not JSON.
    (GOOD, &[
        "", " ", "\n\n", "null", "true", "1", "\"inputs\"", "[]", "[1,2]", "{}", "{\"inputs\":null}",
        "{\"inputs\":{}}", "{\"inputs\":\"pixels\"}", "{\"inputs\":5}", "{\"inputs\":[]}",
        "{\"inputs\":[null]}", "{inputs:[]}", "{'inputs':[]}", "{\"inputs\":[],}", "\u{feff}{}",
        "/* none */ {}", "inputs=pixels", "<inputs/>", "{\"inputs\":[]}{}", "\\u007b\\u007d",
    ], "json|input|object|empty|expected"),
    (END, &["]}]}x", "]}]}]", "]}]} {}", "]}]}\\u0000", "]}],}", "]}],\"id\":\"a\nb\"}",
        "]}],\"id\":\"\\x\"}", "]}],\"id\":\"\\ud800\"}", "]}],\"id\":\"a}", "]}],\"id\":}"],
        "json|line|column|escape|character|trailing"),
    ("{\"inputs\"", &["\u{feff}{\"inputs\""], "json|line|byte order|expected"),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (part, others, says) in REPLACED {
        for other in *others {
            assert!(GOOD.contains(part), "{part}");
            let body = expanded(&GOOD.replacen(part, other, 1));
            let name = format!("{part} -> {other}");
            cases.push(Case::new(name, json(&body), &[400], says));
        }
    }
    cases.extend(deep());
    cases.extend(long());
    cases.extend(cut());
    cases.extend(not_utf8());
    cases
}

pub(crate) fn good() -> String {
    expanded(GOOD)
}

fn zeros(n: usize) -> String {
    vec!["0"; n].join(",")
}

/// A text with its tokens written out.
fn expanded(text: &str) -> String {
    let row = format!("[{}]", zeros(28));
    let mut text = text.replace("ROWS27", &vec![row.as_str(); 27].join(",")).replace("ROW", &row);
    for n in [100_000, 1568, 785, 784, 783, 29, 28, 27] {
        text = text.replace(&format!("Z{n}"), &zeros(n));
    }
    text
}

/// Brackets in brackets, in every place: a parser must not follow them until its stack is gone.
fn deep() -> Vec<Case> {
    let mut cases = Vec::new();
    for depth in [200, 10_000, 1_000_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        for (place, from, to) in [
            ("data", "[Z784]", format!("{open}0{close}")),
            ("the shape", "[1,1,28,28]", format!("{open}1{close}")),
            ("a parameter", END, format!("]}}],\"parameters\":{{\"a\":{open}{close}}}}}")),
            ("the whole", GOOD, format!("{open}{close}")),
            ("an open end", "[Z784]", open.clone()),
        ] {
            let body = expanded(&GOOD.replacen(from, &to, 1));
            cases.push(Case::new(format!("{place} {depth} deep"), json(&body), &[400], ""));
        }
        let objects = "{\"a\":".repeat(depth / 2);
        cases.push(Case::new(format!("objects {depth} deep"), json(&objects), &[400], ""));
    }
    cases
}

/// Texts that an error might repeat, and must not at length.
fn long() -> Vec<Case> {
    let text = format!("\"{}\"", "\\u0001x".repeat(10_000));
    let output = format!("]}}],\"outputs\":[{{\"name\":{text}}}]}}");
    [
        ("\"pixels\"", text.clone()),
        ("\"UINT8\"", text.clone()),
        ("[1,1,28,28]", text.clone()),
        ("[Z784]", text.clone()),
        ("[Z784]", format!("[Z783,{text}]")),
        ("[{\"name\":\"pixels\"", format!("[{{\"name\":{text}}},{{\"name\":\"pixels\"")),
        (END, output),
        (END, format!("]}}],\"id\":[{text}]}}")),
        (END, format!("]}}],\"parameters\":{{{text}:[]}}}}")),
        (END, format!("]}}],\"parameters\":{{\"timeout\":{text}}}}}")),
    ]
    .into_iter()
    .map(|(from, to)| {
        let body = expanded(&GOOD.replacen(from, &to, 1));
        Case::new(format!("a text of 70 KB for {from}"), json(&body), &[400], "")
    })
    .collect()
}

/// The good request, cut off.
fn cut() -> Vec<Case> {
    let body = good();
    let ends = (1..20).map(|part| body.len() * part / 20).chain([1, body.len() - 1]);
    ends.map(|end| Case::new(format!("cut at {end}"), json(&body[..end]), &[400], "json|end|eof"))
        .collect()
}

/// Bytes that are not text, between the quotes of a name and of a value nobody asks for.
fn not_utf8() -> Vec<Case> {
    let with = |field: &str, bytes: &[u8]| {
        let at = GOOD.len() - 1;
        let body = [expanded(&GOOD[..at]).as_bytes(), field.as_bytes(), bytes, b"\"}"].concat();
        let request = post(INFER, &body);
        Case::new(format!("{field}{bytes:?}"), request, &[400], "json|utf-8|unicode|string")
    };
    [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"]
        .iter()
        .flat_map(|bytes| [with(",\"id\":\"", bytes), with(",\"more\":\"", bytes)])
        .collect()
}

/// Requests that the protocol leaves open: taken or refused, but answered.
pub(crate) fn odd() -> Vec<(String, Vec<u8>)> {
    let with = |from: &str, to: &str| {
        let name: String = to.chars().take(60).collect();
        (name, json(&expanded(&GOOD.replacen(from, to, 1))))
    };
    let long = format!("]}}],\"id\":\"{}\"}}", "i".repeat(1 << 20));
    let spaces = format!("]}}]{}}}", " ".repeat(1 << 20));
    let many: Vec<_> = (0..50_000).map(|i| format!("\"k{i}\":{i}")).collect();
    let many = format!("]}}],\"parameters\":{{{}}}}}", many.join(","));
    let names: Vec<_> = (0..20_000).map(|i| format!("{{\"name\":\"o{i}\"}}")).collect();
    let names = format!("]}}],\"outputs\":[{}]}}", names.join(","));
    vec![
        with(END, &long),
        with(END, &spaces),
        with(END, &many),
        with(END, &names),
        with(END, "]}],\"id\":\"\\u0000\"}"),
        with(END, "]}],\"id\":\"\\ud83d\\ude00 \u{202e}\"}"),
        with(END, "]}],\"id\":\"\"}"),
        with(END, "]}],\"id\":null}"),
        with(END, "]}],\"outputs\":[]}"),
        with(END, "]}],\"outputs\":null}"),
        with(END, "]}],\"parameters\":null}"),
        with(END, "]}],\"parameters\":{\"timeout\":0}}"),
        with(END, "]}],\"parameters\":{\"timeout\":18446744073709551615}}"),
        with(END, "]}],\"parameters\":{\"a\":null}}"),
        with(END, "]}],\"parameters\":{\"triton_x\":1}}"),
        with(END, "]}],\"more\":{\"deep\":[[1]]}}"),
        with(END, &format!("]}}],\"more\":{}1{}}}", "[".repeat(200), "]".repeat(200))),
        with(END, &format!("]}}],\"more\":{}1{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000))),
        with(END, "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":0}}]}"),
        with(
            END,
            "]}],\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":18446744073709551615}}]}",
        ),
        with("[1,1,28,28]", "[1.0,1,28,28]"),
        with("[1,1,28,28]", "[1e0,1,28,28]"),
        with("[Z784]", "[Z783,-0]"),
        with("[Z784]", "[Z783,1.0]"),
        with("[Z784]", "[Z783,1e2]"),
        with("[Z784]", "[[Z784]]"),
        with("[Z784]", "[ROWS27,ROW]"),
        with("[Z784]", "[[ROWS27,ROW]]"),
    ]
}
