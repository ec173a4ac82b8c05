//! Handles `POST /v1/predict`: an image file in, a label out.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use images::Preparation;
use serde::Serialize;

use super::AppState;
use super::body;
use super::failure::Failure;
use super::infer::classify;
use super::models::Model;
use super::reply::not_finite;
use crate::error::ImageError;
use crate::format::ByClass;
use crate::input;

/// The largest image file, in multiples of the largest inference request (`--max-body`): photographs need it.
const MAX_FILE_BODIES: usize = 4;
/// The most pixels that are decoded: those of a 24-megapixel camera, which take a quarter of a second and 200 MB.
const MAX_PIXELS: u64 = 24_000_000;
/// Images that are decoded at once, for the same reason.
pub(super) const MAX_DECODERS: usize = 1;

#[derive(Serialize)]
struct Reply<'a> {
    model_name: &'a str,
    model_version: &'a str,
    label: &'a str,
    probability: f32,
    probabilities: ByClass<'a>,
    /// The network's input, in the model's input shape; ink is white.
    pixels: &'a [u8],
}

/// Answers a request whose body is an image file.
pub(super) async fn predict(
    state: &AppState,
    model: &Arc<Model>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let deadline = Instant::now() + state.options.timeout;
    let limit = (MAX_FILE_BODIES * state.options.max_body) << 20;
    let received = body::read(state, &head.headers, body, limit).await?;
    let pixels = prepare(state, model, received.bytes.clone(), deadline).await?;
    let outputs = classify(state, model, pixels.clone(), deadline).await?;
    let class = outputs.best(0);
    if outputs.probabilities.iter().any(|probability| !probability.is_finite()) {
        state.metrics.nonfinite_outputs.inc();
        return Err(not_finite("probabilities"));
    }
    let classes = &model.classifier.classes;
    let reply = Reply {
        model_name: state.options.name.as_str(),
        model_version: &model.version_text,
        label: &classes[class],
        probability: outputs.row(0)[class],
        probabilities: ByClass(classes, outputs.row(0)),
        pixels: &pixels,
    };
    Ok(Json(reply).into_response())
}

/// Decodes and prepares an image file on a blocking thread, where it does not delay other requests.
async fn prepare(
    state: &AppState,
    model: &Model,
    bytes: Bytes,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    let permit =
        tokio::time::timeout_at(deadline.into(), Arc::clone(&state.decoders).acquire_owned());
    let Ok(Ok(permit)) = permit.await else {
        let message = "other images are being decoded: try again";
        return Err(Failure::busy(state.options.overload_status, message));
    };
    let shape = model.classifier.shape;
    let prepare = move || {
        let _permit = permit;
        let grey = images::decode_within(&bytes, MAX_PIXELS)?;
        input::prepare(&grey, shape, Preparation::Auto)
    };
    let prepared = tokio::task::spawn_blocking(prepare).await;
    // The thread returns nothing only if the decoder panics.
    let failed = |_| Failure::bad("the image cannot be decoded: save it again");
    let pixels = prepared.map_err(failed)?.map_err(|error| {
        let status = match error {
            ImageError::Unusable(images::Error::Format) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ImageError::Unusable(images::Error::Gigantic { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Failure::new(status, format!("the image cannot be used: {error}"))
    })?;
    Ok(pixels.into())
}
