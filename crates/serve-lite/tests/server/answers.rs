//! Good requests in every form, and the same numbers in every answer.

use serde_json::{Value, json};

use crate::models::{PIXELS, SIDES, halves, random_bytes, sides};
use crate::test_server::TestServer;
use serve_client::requests::*;
use serve_client::{Answer, Reply};

/// The bits of one output of a reply, in JSON or in the binary form.
#[track_caller]
fn bits(reply: &Reply, output: &str) -> Vec<u32> {
    let answer = Answer::read(reply).unwrap();
    answer.output(output).unwrap().iter().map(|value| value.to_bits()).collect()
}

/// A request of JSON, built field by field.
fn ask(server: &TestServer, body: &Value) -> Reply {
    server.ask(&json(&body.to_string()))
}

fn input(pictures: &[u8]) -> Value {
    let n = pictures.len() / PIXELS;
    json!([{"name": "pixels", "shape": [n, 1, 28, 28], "datatype": "UINT8", "data": pictures}])
}

#[test]
fn logits_are_those_worked_out_by_hand_in_json_in_binary_and_raw() {
    let server = TestServer::start(&sides(), &[]);
    let picture = halves(20, 0);
    let expected = [2.0_f32, 0.0, 1.0];
    for request in [binary(&picture), raw(&picture), json(&json_body(&picture))] {
        let reply = server.ask(&request);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let logits = bits(&reply, "logits");
        let probabilities = bits(&reply, "probabilities");
        let sum: f32 = expected.iter().map(|logit| logit.exp()).sum();
        for class in 0..3 {
            assert!((f32::from_bits(logits[class]) - expected[class]).abs() < 1e-5);
            let probability = expected[class].exp() / sum;
            assert!((f32::from_bits(probabilities[class]) - probability).abs() < 1e-5);
        }
    }
}

#[test]
fn every_form_of_a_request_has_the_same_bits_in_its_answer() {
    let server = TestServer::start(&sides(), &[]);
    for n in [1, 2, 7, 64] {
        let pictures = random_bytes(n as u64, n * PIXELS);
        let expected = server.ask(&binary(&pictures));
        let (header, _) = expected.tensors().unwrap();
        let names: Vec<_> =
            header["outputs"].as_array().unwrap().iter().map(|o| &o["name"]).collect();
        assert_eq!(names, ["logits", "probabilities"]);
        for output in header["outputs"].as_array().unwrap() {
            assert_eq!(output["shape"], json!([n, 3]));
            assert_eq!(output["datatype"], "FP32");
        }
        assert_eq!(header["model_name"], "mnist");
        assert_eq!(header["model_version"], "1");
        assert!(header.get("id").is_none(), "{header}");

        let body = json_body(&pictures);
        let rows: Vec<Vec<Vec<Vec<u8>>>> = pictures
            .chunks(PIXELS)
            .map(|picture| vec![picture.chunks(28).map(<[u8]>::to_vec).collect()])
            .collect();
        let nested = json!({"inputs": [{"name": "pixels", "shape": [n, 1, 28, 28],
            "datatype": "UINT8", "data": rows}]});
        let length = body.len().to_string();
        let all_json = [(JSON_LENGTH, length.as_str())];
        let packed = gzip(body.as_bytes());
        let mut forms = vec![
            ("JSON", json(&body)),
            ("JSON with its length", request("POST", INFER, &all_json, body.as_bytes())),
            ("nested JSON", json(&nested.to_string())),
            ("spaced JSON", json(&serde_json::to_string_pretty(&nested).unwrap())),
            ("gzip", request("POST", INFER, &[("Content-Encoding", "gzip")], &packed)),
            ("GZIP", request("POST", INFER, &[("content-encoding", "GZIP")], &packed)),
            (
                "deflate",
                request("POST", INFER, &[("Content-Encoding", "deflate")], &zlib(body.as_bytes())),
            ),
            (
                "identity",
                request("POST", INFER, &[("Content-Encoding", "identity")], body.as_bytes()),
            ),
            (
                "labelled as a page",
                request("POST", INFER, &[("Content-Type", "text/html")], body.as_bytes()),
            ),
            ("with a version", post("/v2/models/mnist/versions/1/infer", body.as_bytes())),
            ("escaped", post("/v2/models/m%6eist/infer", body.as_bytes())),
            ("with a query", post("/v2/models/mnist/infer?a=b&c", body.as_bytes())),
            ("in chunks", chunked(INFER, &[], 1000, body.as_bytes())),
        ];
        if n == 1 {
            forms.push(("raw", raw(&pictures)));
            forms.push(("byte by byte", chunked(INFER, &[], 1, body.as_bytes())));
        }
        for (form, request) in forms {
            let reply = server.ask(&request);
            assert_eq!(reply.status, 200, "{form}: {}", reply.text());
            assert!(reply.header("content-encoding").is_none(), "{form}");
            for output in ["logits", "probabilities"] {
                assert_eq!(bits(&reply, output), bits(&expected, output), "{form}, {n} pictures");
            }
        }
        // Binary and compressed at once: the length is that of the JSON before.
        let header = format!(
            r#"{{"parameters":{{"binary_data_output":true}},"inputs":[{{"name":"pixels","shape":[{n},1,28,28],"datatype":"UINT8","parameters":{{"binary_data_size":{}}}}}]}}"#,
            pictures.len()
        );
        let length = header.len().to_string();
        let body = gzip(&[header.as_bytes(), &pictures].concat());
        let headers = [(JSON_LENGTH, length.as_str()), ("Content-Encoding", "gzip")];
        let reply = server.ask(&request("POST", INFER, &headers, &body));
        assert_eq!(reply.tensors().unwrap().1, expected.tensors().unwrap().1);
    }
}

#[test]
fn outputs_come_as_they_were_asked_for() {
    let server = TestServer::start(&sides(), &[]);
    let pictures = [halves(20, 0), halves(0, 30)].concat();
    let with = |outputs: Value, parameters: Value| {
        let body = json!({"id": "an id", "inputs": input(&pictures), "outputs": outputs, "parameters": parameters});
        let reply = ask(&server, &body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    };
    // One, in either form; both, in the other order and in different forms.
    let one = with(json!([{"name": "probabilities"}]), json!({})).json().unwrap();
    assert_eq!(one["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(one["outputs"][0]["name"], "probabilities");
    assert_eq!(one["id"], "an id");
    let (one, tensors) =
        with(json!([{"name": "logits", "parameters": {"binary_data": true}}]), json!({}))
            .tensors()
            .unwrap();
    assert_eq!((one["outputs"].as_array().unwrap().len(), tensors[0].len()), (1, 6));
    assert_eq!(one["id"], "an id");
    let outputs = json!([
        {"name": "probabilities", "parameters": {"binary_data": true}},
        {"name": "logits", "parameters": {"binary_data": false}},
    ]);
    let mixed = with(outputs, json!({"binary_data_output": true}));
    let length: usize = mixed.header("inference-header-content-length").unwrap().parse().unwrap();
    let header: Value = serde_json::from_slice(&mixed.body[..length]).unwrap();
    assert_eq!(header["outputs"][0]["name"], "probabilities");
    assert_eq!(header["outputs"][0]["parameters"]["binary_data_size"], 24);
    assert_eq!(header["outputs"][1]["name"], "logits");
    assert_eq!(header["outputs"][1]["data"].as_array().unwrap().len(), 6);
    assert_eq!(mixed.body.len(), length + 24);
    // All in binary, unless one is asked for otherwise.
    let outputs = json!([{"name": "logits"}, {"name": "probabilities"}]);
    let (header, tensors) = with(outputs, json!({"binary_data_output": true})).tensors().unwrap();
    assert_eq!(header["outputs"].as_array().unwrap().len(), 2);
    assert_eq!((tensors[0].len(), tensors[1].len()), (6, 6));
}

#[test]
fn classification_names_the_likeliest_classes() {
    let server = TestServer::start(&sides(), &[]);
    let pictures = [halves(20, 0), halves(0, 30)].concat();
    let classes = |parameters: Value| {
        let outputs = json!([{"name": "logits", "parameters": parameters}]);
        ask(&server, &json!({"inputs": input(&pictures), "outputs": outputs}))
    };
    let reply = classes(json!({"classification": 2})).json().unwrap();
    let output = &reply["outputs"][0];
    assert_eq!((&output["datatype"], &output["shape"]), (&json!("BYTES"), &json!([2, 2])));
    let data: Vec<_> =
        output["data"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    let parts: Vec<Vec<_>> = data.iter().map(|text| text.split(':').collect()).collect();
    for (part, (value, index)) in parts.iter().zip([(2.0, 0), (1.0, 2), (3.0, 1), (1.0, 2)]) {
        assert!((part[0].parse::<f32>().unwrap() - value).abs() < 1e-5, "{data:?}");
        assert_eq!(part[1..], [&index.to_string(), SIDES[index]], "{data:?}");
    }
    // In binary each text has its length before it; more classes than there are become all.
    let reply = classes(json!({"classification": 9, "binary_data": true}));
    let length: usize = reply.header("inference-header-content-length").unwrap().parse().unwrap();
    let header: Value = serde_json::from_slice(&reply.body[..length]).unwrap();
    assert_eq!(header["outputs"][0]["shape"], json!([2, 3]));
    let mut rest = &reply.body[length..];
    assert_eq!(header["outputs"][0]["parameters"]["binary_data_size"], rest.len());
    let mut texts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (text, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        texts.push(std::str::from_utf8(text).unwrap().to_owned());
        rest = after;
    }
    assert_eq!(texts.len(), 6);
    assert_eq!(texts[0], data[0]);
    assert_eq!(texts[3], data[2]);
}

#[test]
fn what_is_said_of_the_server_and_the_model_is_what_clients_read() {
    let server = TestServer::start(&sides(), &["--name", "two-halves", "--max-batch", "50"]);
    let read = |path: &str| {
        let reply = server.ask(&get(path));
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        reply.json().unwrap()
    };
    for path in ["/v2", "/v2/"] {
        let about = read(path);
        assert!(about["name"].is_string() && about["version"].is_string(), "{about}");
        let extensions = about["extensions"].as_array().unwrap();
        assert!(extensions.contains(&json!("binary_tensor_data")), "{about}");
    }
    for base in ["/v2/models/two-halves", "/v2/models/two%2Dhalves/versions/1"] {
        let model = read(base);
        assert_eq!(model["name"], "two-halves");
        assert_eq!(model["versions"], json!(["1"]));
        assert!(model["platform"].as_str().is_some_and(|p| p.contains("onnx")), "{model}");
        let tensor = |name: &str, datatype: &str, shape: Value| json!({"name": name, "datatype": datatype, "shape": shape});
        assert_eq!(model["inputs"], json!([tensor("pixels", "UINT8", json!([-1, 1, 28, 28]))]));
        let outputs = ["logits", "probabilities"].map(|name| tensor(name, "FP32", json!([-1, 3])));
        assert_eq!(model["outputs"], json!(outputs));
        let classes = model["properties"]["kiln.classes"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Vec<String>>(classes).unwrap(), SIDES);

        let config = read(&format!("{base}/config"));
        assert_eq!(
            (&config["name"], &config["max_batch_size"]),
            (&json!("two-halves"), &json!(50))
        );
        assert_eq!(config["input"][0]["name"], "pixels");
        assert_eq!(config["input"][0]["data_type"], "TYPE_UINT8");
        // Triton's configuration leaves the batch out.
        let dims = config["input"][0]["dims"].as_array().unwrap();
        let dims: Vec<String> = dims.iter().map(|d| d.to_string().replace('"', "")).collect();
        assert_eq!(dims, ["1", "28", "28"]);
        assert_eq!(config["output"][0]["name"], "logits");
        assert_eq!(config["output"][1]["data_type"], "TYPE_FP32");
        assert_eq!(server.ask(&get(&format!("{base}/ready"))).status, 200);
    }
    for path in ["/v2/models/two-halves/stats", "/v2/models/stats"] {
        let stats = &read(path)["model_stats"][0];
        assert_eq!((&stats["name"], &stats["version"]), (&json!("two-halves"), &json!("1")));
        for part in ["success", "fail", "queue", "compute_input", "compute_infer", "compute_output"]
        {
            assert!(stats["inference_stats"][part]["count"].is_u64(), "{part}: {stats}");
            assert!(stats["inference_stats"][part]["ns"].is_u64(), "{part}: {stats}");
        }
    }
    let index = server.ask(&post("/v2/repository/index", b"")).json().unwrap();
    assert_eq!(index.as_array().unwrap().len(), 1);
    let fields =
        ["name", "version", "state"].map(|field| index[0][field].as_str().unwrap().to_owned());
    assert_eq!(fields, ["two-halves", "1", "READY"]);
    let pictures = vec![0; 51 * PIXELS];
    let path = "/v2/models/two-halves/infer";
    let refused = server.ask(&post(path, json_body(&pictures).as_bytes()));
    assert_eq!(refused.status, 400);
    assert!(refused.error().unwrap().contains("50"), "{}", refused.text());
    let taken = server.ask(&post(path, json_body(&pictures[PIXELS..]).as_bytes()));
    assert_eq!(taken.status, 200, "{}", taken.text());
}
