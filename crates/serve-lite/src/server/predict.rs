//! The route for people: a picture file in, a label out.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use images::Preparation;
use serde::Serialize;

use super::Server;
use super::body;
use super::failure::Failure;
use super::infer::classify;
use super::models::Model;
use super::reply::not_finite;
use crate::format::ByClass;

/// How many times the body of an inference request a picture file may have: photographs do.
const LARGER: usize = 4;
/// The most pixels that are decoded: a 24-megapixel camera's picture, which takes a quarter of a
/// second and 200 MB.
const MAX_PIXELS: u64 = 24_000_000;
/// Pictures that are decoded at once, for the same reason.
pub(crate) const DECODED_AT_ONCE: usize = 1;

#[derive(Serialize)]
struct Prediction<'a> {
    model_name: &'a str,
    model_version: &'a str,
    label: &'a str,
    probability: f32,
    probabilities: ByClass<'a>,
    /// What the network saw: 28 rows of 28 grey levels, ink is white.
    pixels: &'a [u8],
}

/// Answers for a PNG or JPEG of any size.
pub(crate) async fn predict(
    server: &Server,
    model: &Arc<Model>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let deadline = Instant::now() + server.options.timeout;
    let limit = (LARGER * server.options.max_body) << 20;
    let received = body::read(server, &head.headers, body, limit).await?;
    let pixels = prepared(server, received.bytes.clone(), deadline).await?;
    let outputs = classify(server, model, pixels.clone(), deadline).await?;
    let class = outputs.best(0);
    if outputs.probabilities.iter().any(|probability| !probability.is_finite()) {
        server.metrics.nonfinite_outputs.inc();
        return Err(not_finite("probabilities"));
    }
    let classes = &model.classifier.classes;
    let prediction = Prediction {
        model_name: server.options.name.as_str(),
        model_version: &model.version_text,
        label: &classes[class],
        probability: outputs.row(0)[class],
        probabilities: ByClass(classes, outputs.row(0)),
        pixels: &pixels,
    };
    Ok(Json(prediction).into_response())
}

/// Decodes and prepares a picture on a thread where it keeps nobody waiting.
async fn prepared(server: &Server, bytes: Bytes, deadline: Instant) -> Result<Bytes, Failure> {
    let turn =
        tokio::time::timeout_at(deadline.into(), Arc::clone(&server.decoders).acquire_owned());
    let Ok(Ok(turn)) = turn.await else {
        let message = "other pictures are being decoded: try again";
        return Err(Failure::busy(server.options.overload_status, message));
    };
    let prepare = move || {
        let _turn = turn;
        let grey = images::decode_within(&bytes, MAX_PIXELS)?;
        images::to_network(&grey, Preparation::Auto)
    };
    let prepared = tokio::task::spawn_blocking(prepare).await;
    // Only a decoder that panics does not come back.
    let failed = |_| Failure::bad("the picture cannot be decoded: save it again");
    let pixels = prepared.map_err(failed)?.map_err(|error| {
        let status = match error {
            images::Error::Format => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            images::Error::Gigantic { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Failure::new(status, format!("the picture cannot be used: {error}"))
    })?;
    Ok(pixels.into())
}
