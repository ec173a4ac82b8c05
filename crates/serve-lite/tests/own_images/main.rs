//! Models of people's own images: in colour, of any size and preparation; folders of images; backgrounds.
#![allow(clippy::unwrap_used)]

mod backgrounds;
mod files;
mod folders;
#[path = "../models/mod.rs"]
mod models;
mod same_answer;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bytes::Bytes;
use clap::Parser;
use serde_json::Value;
use serve_lite::Service;
use tempfile::TempDir;
use tract_onnx::pb::ModelProto;

/// A folder with `model.onnx`.
struct Place(TempDir);

impl Place {
    fn new(model: &ModelProto) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("model.onnx", &models::bytes(model));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `serve-lite predict` in this folder.
    fn predict(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_serve-lite"));
        command.current_dir(self.0.path()).args(["predict", "model.onnx"]).args(args);
        command.output().unwrap()
    }

    fn service(&self) -> Service {
        service(&self.path("model.onnx"))
    }
}

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    serve: serve_lite::ServeOptions,
}

fn service(model: &Path) -> Service {
    Service::open(model, &Options::parse_from(["serve"]).serve).unwrap()
}

/// The server's reply to a request without a body (`GET`), or with one.
async fn ask(service: &Service, path: &str, body: &[u8]) -> Value {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = axum::http::Request::builder().method(method).uri(path);
    let body = Bytes::copy_from_slice(body);
    let (status, reply) = service.answer(request.body(body).unwrap()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&reply));
    serde_json::from_slice(&reply).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
