//! Handles `POST /v1/predict`: an image file in, a label out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use images::Prepared;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::AppState;
use super::body::{self, Limit};
use super::failure::Failure;
use super::infer::classify;
use super::models::Model;
use super::multipart;
use super::reply::not_finite;
use crate::doubt::Doubt;
use crate::format::ByClass;

/// The largest image file, in multiples of the largest inference request (`--max-body`): photographs need it.
const MAX_FILE_BODIES: usize = 4;
/// The most pixels that are decoded: those of a 24-megapixel camera, which take a second and 200 MB.
const MAX_PIXELS: u64 = 24_000_000;
/// An image of at most so many pixels, in a body of at most so many bytes, takes milliseconds: drawings of the page,
/// scanned digits.
const SMALL: (u64, usize) = (1 << 16, 256 << 10);

/// Turns at decoding: one large image at a time, for its memory, and beside it one small image, which would otherwise
/// wait for a row of photographs.
pub(super) struct Decoders {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Decoders {
    pub(super) fn new() -> Self {
        Self { small: Arc::new(Semaphore::new(1)), large: Arc::new(Semaphore::new(1)) }
    }
}

#[derive(Serialize)]
struct Reply<'a> {
    model_name: &'a str,
    model_version: &'a str,
    label: &'a str,
    probability: f32,
    /// Whether the answer is not to be relied on; `null` where the model does not say from which probability on.
    doubtful: Option<bool>,
    /// Why, where the probability does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    probabilities: ByClass<'a>,
    /// `[channels, height, width]`, the shape of `pixels`.
    shape: [usize; 3],
    /// The network's input: one channel after the other, each row by row; the ink of a digit is white.
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
    let n_bytes = (MAX_FILE_BODIES * state.options.max_body) << 20;
    let limit = Limit { n_bytes, remedy: "scale the image down" };
    let received = body::read(state, &head.headers, body, limit, deadline).await?;
    let prepared = prepare(state, model, head.headers, received.bytes.clone(), deadline).await?;
    let pixels = Bytes::copy_from_slice(&prepared.pixels);
    let outputs = classify(state, model, pixels, deadline).await?;
    let class = outputs.best(0);
    if outputs.probabilities.iter().any(|probability| !probability.is_finite()) {
        state.metrics.nonfinite_outputs.inc();
        return Err(not_finite("probabilities"));
    }
    let classifier = &model.classifier;
    let classes = &classifier.classes;
    let doubt = classifier.doubt(&prepared, classifier.preparation, outputs.row(0)[class]);
    let reply = Reply {
        model_name: state.options.name.as_str(),
        model_version: &model.version_text,
        label: &classes[class],
        probability: outputs.row(0)[class],
        doubtful: classifier.is_doubtful(doubt),
        reason: doubt.and_then(Doubt::reason),
        probabilities: ByClass(classes, outputs.row(0)),
        shape: classifier.shape.dimensions(),
        pixels: &prepared.pixels,
    };
    Ok(Json(reply).into_response())
}

/// Decodes and prepares an image file: first as a small one, if the bytes are few; their pixels may still be many.
async fn prepare(
    state: &AppState,
    model: &Model,
    headers: HeaderMap,
    body: Bytes,
    deadline: Instant,
) -> Result<Prepared, Failure> {
    let (max_pixels, max_bytes) = SMALL;
    let Decoders { small, large } = &state.decoders;
    let turns = [(small, max_pixels), (large, MAX_PIXELS)];
    let turns = if body.len() <= max_bytes { &turns[..] } else { &turns[1..] };
    let mut result = Err(images::Error::Format);
    for &(decoders, max_pixels) in turns {
        let (headers, body) = (headers.clone(), body.clone());
        result =
            prepare_within(state, model, headers, body, (decoders, max_pixels), deadline).await?;
        if !matches!(result, Err(images::Error::Gigantic { .. })) {
            break;
        }
    }
    result.map_err(|error| unusable(error, &headers))
}

/// Prepares an image of at most `max_pixels` when it is its turn, on a blocking thread, where it does not delay other
/// requests.
async fn prepare_within(
    state: &AppState,
    model: &Model,
    headers: HeaderMap,
    body: Bytes,
    (decoders, max_pixels): (&Arc<Semaphore>, u64),
    deadline: Instant,
) -> Result<images::Result<Prepared>, Failure> {
    let permit = tokio::time::timeout_at(deadline.into(), Arc::clone(decoders).acquire_owned());
    let Ok(Ok(permit)) = permit.await else {
        let message = "other images are being decoded: try again";
        return Err(Failure::busy(state.options.overload_status, message));
    };
    let (shape, preparation) = (model.classifier.shape, model.classifier.preparation);
    let prepare = move || {
        let _permit = permit;
        let file = multipart::file(&headers, &body)?;
        let image = images::decode_within(&file, max_pixels);
        Ok(image.and_then(|image| images::to_network(&image, shape, preparation)))
    };
    // The decoder panics on some damaged file, perhaps.
    let prepare = move || catch_unwind(AssertUnwindSafe(prepare));
    let prepared = body::on_blocking_thread(state, deadline, prepare).await?;
    let failed = |_| Failure::bad("the image cannot be decoded: save it again");
    prepared.map_err(failed)?
}

/// Why an image file gets no answer.
fn unusable(error: images::Error, headers: &HeaderMap) -> Failure {
    let (status, message) = match error {
        images::Error::Gigantic { width, height, .. }
            if u64::from(width) * u64::from(height) > MAX_PIXELS =>
        {
            let megapixels = MAX_PIXELS / 1_000_000;
            let limit = format!(
                "it has {width}x{height} pixels, more than {megapixels} megapixels: scale it down"
            );
            (StatusCode::PAYLOAD_TOO_LARGE, limit)
        }
        images::Error::Gigantic { .. } => (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        images::Error::Format if is_form(headers) => {
            // curl's -d and --data remove the line breaks in a file.
            let remedy = "send it with curl -F file=@FILE or curl --data-binary @FILE, not with -d";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("it was sent as a form's text: {remedy}"))
        }
        images::Error::Format => (StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()),
        _ => (StatusCode::BAD_REQUEST, error.to_string()),
    };
    Failure::new(status, format!("the image cannot be used: {message}"))
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}
