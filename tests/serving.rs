//! The server and Triton's own client, and the command that serves the latest run.

use std::path::Path;
use std::process::Command;

use crate::support::{Server, binary, finished, python, real_mnist, succeed, xtask};

#[test]
fn triton_s_client_gets_the_answers_of_onnx_runtime_in_every_form() {
    let run = finished();
    let server = Server::of(&run.onnx());
    assert_eq!(server.serves, "mnist version 1");
    let mut check = triton_client(&server, &run.onnx());
    if let Some(mnist) = real_mnist() {
        let pictures = mnist.join("t10k-images-idx3-ubyte.gz");
        let mut predict = Command::new(binary("serve-lite"));
        let said = succeed(predict.args(["predict", "--json"]).arg(run.onnx()).arg(&pictures));
        assert_eq!(said.lines().count(), 10_000);
        let predictions = Path::new(env!("CARGO_TARGET_TMPDIR")).join("predictions.jsonl");
        std::fs::write(&predictions, said).unwrap();
        check.arg(pictures).arg(predictions);
    }
    let passed = succeed(&mut check);
    // The script says nothing of what it did not come to.
    for check in ["sync: load", "aio: load", "aio: 64 callers"] {
        assert!(passed.contains(check), "{passed}");
    }
    assert_eq!(passed.contains("10000 of 10000"), real_mnist().is_some(), "{passed}");
    server.end();
}

#[test]
fn the_latest_run_is_served_by_one_command() {
    let run = finished();
    let runs = run.onnx().parent().and_then(Path::parent).unwrap().to_owned();
    let name = run.name();
    for more in [&[][..], &["--run", name.as_str()], &["--name", "digits"]] {
        let server = Server::start(xtask(&runs).arg("serve").args(more));
        let name = if more.contains(&"--name") { "digits" } else { "mnist" };
        assert_eq!(server.serves, format!("{name} version 1"));
        server.end();
    }
}

fn triton_client(server: &Server, model: &Path) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/triton_client.py");
    let mut command = Command::new(python());
    command.arg(script).arg(&server.url).arg(model);
    command
}
