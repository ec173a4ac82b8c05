//! The server with Triton's own client, and the command that serves the latest run.

use std::path::Path;
use std::process::Command;

use serve_client::ServerProcess;

use crate::support::{
    binary, finished, kiln, python, real_mnist, serve, start_server, stop, succeed,
};

#[test]
fn tritons_client_gets_the_answers_of_onnx_runtime_in_every_form() {
    let run = finished();
    let server = serve(&run.onnx());
    assert!(server.ready_line.starts_with("mnist version 1 at "), "{}", server.ready_line);
    let mut check = triton_client(&server, &run.onnx());
    if let Some(mnist) = real_mnist() {
        let images = mnist.join("t10k-images-idx3-ubyte.gz");
        let mut predict = Command::new(binary("serve-lite"));
        let output = succeed(predict.args(["predict", "--json"]).arg(run.onnx()).arg(&images));
        assert_eq!(output.lines().count(), 10_000);
        let predictions = Path::new(env!("CARGO_TARGET_TMPDIR")).join("predictions.jsonl");
        std::fs::write(&predictions, output).unwrap();
        check.arg(images).arg(predictions);
    }
    let passed = succeed(&mut check);
    // The script does not mention checks that it did not reach.
    for check in ["sync: load", "aio: load", "aio: 64 callers"] {
        assert!(passed.contains(check), "{passed}");
    }
    assert_eq!(passed.contains("10000 of 10000"), real_mnist().is_some(), "{passed}");
    stop(server);
}

#[test]
fn the_latest_run_is_served_by_one_command() {
    let run = finished();
    let runs = run.onnx().parent().and_then(Path::parent).unwrap().to_owned();
    let name = run.name();
    for more in [&[][..], &["--run", name.as_str()], &["--name", "digits"]] {
        let server = start_server(kiln(&runs).arg("serve").args(more));
        let name = if more.contains(&"--name") { "digits" } else { "mnist" };
        assert!(
            server.ready_line.starts_with(&format!("{name} version 1 at ")),
            "{}",
            server.ready_line
        );
        stop(server);
    }
}

fn triton_client(server: &ServerProcess, model: &Path) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/triton_client.py");
    let mut command = Command::new(python());
    command.arg(script).arg(format!("http://{}", server.address)).arg(model);
    command
}
