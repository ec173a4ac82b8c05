//! What is counted is what was sent.

use crate::models::{PIXELS, halves, sides};
use crate::test_server::{TestServer, eventually};
use serve_client::requests::*;

const INFER_ROUTE: &str = "route=\"infer\"";
/// Every series of the specification that has no labels.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    "serve_lite_queue_duration_seconds_count", "serve_lite_compute_duration_seconds_count",
    "serve_lite_batch_pictures_count", "serve_lite_pictures_total", "serve_lite_executions_total",
    "serve_lite_pending_requests", "serve_lite_queued_pictures", "serve_lite_connections",
    "serve_lite_refused_connections_total", "serve_lite_nonfinite_outputs_total",
    "serve_lite_model_version",
];

#[test]
fn counts_are_exact() {
    let server = TestServer::start(&sides(), &[]);
    let fresh = server.metrics();
    for name in PLAIN {
        assert!(fresh.names().contains(name), "{name}");
    }
    let mut connection = server.connect();
    let mut n_pictures = 0;
    for i in 0..30 {
        let n = 1 + i % 5;
        n_pictures += n;
        let pictures = vec![255; n * PIXELS];
        let request = match i % 3 {
            0 => binary(&pictures),
            1 => json(&json_body(&pictures)),
            _ => post("/v2/models/mnist/versions/1/infer", json_body(&pictures).as_bytes()),
        };
        assert_eq!(connection.exchange(&request).unwrap().status, 200);
    }
    for _ in 0..7 {
        assert_eq!(connection.exchange(&json("{}")).unwrap().status, 400);
    }
    for _ in 0..5 {
        let encoded = request("POST", INFER, &[("Content-Encoding", "br")], b"x");
        assert_eq!(connection.exchange(&encoded).unwrap().status, 415);
    }
    for _ in 0..3 {
        assert_eq!(
            connection
                .exchange(
                    &InferRequest { timeout: Some(1), ..InferRequest::binary(&halves(1, 1)) }
                        .request()
                )
                .unwrap()
                .status,
            503
        );
    }
    assert!(
        [400, 415]
            .contains(&connection.exchange(&post("/v1/predict", b"no picture")).unwrap().status)
    );
    // Other paths are not counted among these.
    connection.exchange(&get("/v2")).unwrap();
    connection.exchange(&get("/nosuch")).unwrap();

    let metrics = server.metrics();
    let requests = |code: &str| {
        metrics.sum("serve_lite_requests_total", &[INFER_ROUTE, &format!("code=\"{code}\"")])
    };
    let by_code = ["200", "400", "415", "503"].map(requests);
    assert_eq!(by_code, [30.0, 7.0, 5.0, 3.0]);
    let all = metrics.sum("serve_lite_requests_total", &[INFER_ROUTE]);
    assert_eq!(all, 45.0);
    let histogram = "serve_lite_request_duration_seconds";
    assert_eq!(metrics.sum(&format!("{histogram}_count"), &[INFER_ROUTE]), all);
    assert_eq!(metrics.sum("serve_lite_requests_total", &["route=\"predict\""]), 1.0);
    assert_eq!(metrics.sum(&format!("{histogram}_count"), &["route=\"predict\""]), 1.0);
    let bucket = |le: &str| metrics.sum(&format!("{histogram}_bucket"), &[INFER_ROUTE, le]);
    assert_eq!(bucket("le=\"+Inf\""), all);
    assert!(bucket("le=\"0.00025\"") <= bucket("le=\"10\"") && bucket("le=\"10\"") <= all);

    assert_eq!(metrics.value("serve_lite_pictures_total"), n_pictures as f64);
    assert_eq!(metrics.sum("nv_inference_count", &[]), n_pictures as f64);
    assert_eq!(metrics.sum("nv_inference_request_success", &[]), 30.0);
    // Triton's have no route: the one that was no picture is among them.
    assert_eq!(metrics.sum("nv_inference_request_failure", &[]), 16.0);
    let executions = metrics.value("serve_lite_executions_total");
    assert_eq!(executions, 30.0, "one caller alone is never kept waiting for others");
    assert_eq!(metrics.sum("nv_inference_exec_count", &[]), executions);
    assert_eq!(metrics.value("serve_lite_batch_pictures_count"), executions);
    assert_eq!(metrics.value("serve_lite_batch_pictures_sum"), n_pictures as f64);
    assert_eq!(metrics.value("serve_lite_compute_duration_seconds_count"), executions);
    for part in ["request", "queue", "compute_input", "compute_infer", "compute_output"] {
        assert!(metrics.sum(&format!("nv_inference_{part}_duration_us"), &[]) >= 0.0);
    }
    assert!(
        metrics.sum("nv_inference_request_duration_us", &["model=\"mnist\"", "version=\"1\""])
            > 0.0
    );
    assert_eq!(metrics.value("serve_lite_pending_requests"), 0.0);
    assert_eq!(metrics.sum("nv_inference_pending_request_count", &[]), 0.0);
    assert_eq!(metrics.value("serve_lite_queued_pictures"), 0.0);
    assert_eq!(metrics.value("serve_lite_model_version"), 1.0);

    let stats = server.ask(&get("/v2/models/mnist/stats")).json().unwrap();
    let stats = &stats["model_stats"][0];
    assert_eq!(stats["inference_count"], n_pictures);
    assert_eq!(stats["execution_count"], 30);
    assert_eq!(stats["inference_stats"]["success"]["count"], 30);
}

#[test]
fn names_that_callers_make_up_become_no_series() {
    let server = TestServer::start(&sides(), &[]);
    let mut connection = server.connect();
    let mut ask = |i: usize| {
        let paths = [
            format!("/v2/models/model{i}/infer"),
            format!("/v2/models/mnist/versions/{}/infer", i + 7),
            format!("/path{i}"),
        ];
        for path in paths {
            assert_eq!(connection.exchange(&post(&path, b"{}")).unwrap().status, 404);
        }
        let id = format!("id-{i}");
        let odd = request(&format!("METHOD{i}"), INFER, &[("X-Request-Id", &id)], b"");
        assert_eq!(connection.exchange(&odd).unwrap().status, 405);
    };
    ask(0);
    let before = server.metrics();
    (1..50).for_each(&mut ask);
    let after = server.metrics();
    assert_eq!(before.names(), after.names());
    assert!(!after.mentions("model1") && !after.mentions("id-"));
}

#[test]
fn the_text_is_prometheus_and_connections_are_counted() {
    let server = TestServer::start(&sides(), &[]);
    let reply = server.ask(&get("/metrics"));
    let content_type = reply.header("content-type").unwrap();
    assert!(content_type.starts_with("text/plain; version=0.0.4"), "{content_type}");
    let mut open: Vec<_> = (0..5).map(|_| server.connect()).collect();
    open.iter_mut()
        .for_each(|connection| assert_eq!(connection.exchange(&get("/v2")).unwrap().status, 200));
    eventually("five and this one", || server.metrics().value("serve_lite_connections") == 6.0);
    drop(open);
    eventually("only this one", || server.metrics().value("serve_lite_connections") == 1.0);
}
