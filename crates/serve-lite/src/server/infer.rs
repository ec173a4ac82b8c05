//! Handles an inference request, from its body to its reply.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::AppState;
use super::body::{self, Limit, offload};
use super::failure::Failure;
use super::models::Model;
use super::queue::{Job, JobResult};
use super::{reply, request};
use crate::classifier::Outputs;

/// Answers an inference request of the protocol for `model`.
pub(super) async fn infer(
    state: &AppState,
    model: &Arc<Model>,
    request: Request,
) -> Result<Response, Failure> {
    let start = Instant::now();
    let (Parts { headers, .. }, body) = request.into_parts();
    let limit =
        Limit { n_bytes: state.options.max_body << 20, remedy: "send fewer images at once" };
    let deadline = start + state.options.timeout;
    let received = body::read(state, &headers, body, limit, deadline).await?;
    if state.queue.is_full() {
        // Refused before parsing: a refusal must cost less than an answer, or overload leaves no time for answers.
        return Err(queue_full(state));
    }
    let bytes = received.bytes.clone();
    let (shape, max_batch) = (model.classifier.shape, state.options.max_batch);
    let parse = move || request::parse(&headers, &bytes, shape, max_batch);
    let request = offload(state, received.bytes.len(), deadline, parse).await??;
    let deadline = start + request.timeout.unwrap_or(state.options.timeout);
    let outputs = classify(state, model, request.pixels.clone(), deadline).await?;
    let (name, n_bytes) = (state.options.name.as_str().to_owned(), 4 * outputs.logits.len());
    let model = Arc::clone(model);
    let write =
        move || reply::infer(&name, &model, request.id.as_deref(), &request.outputs, &outputs);
    let reply = offload(state, n_bytes, deadline, write).await?;
    if reply.as_ref().is_err_and(|failure| failure.status == StatusCode::INTERNAL_SERVER_ERROR) {
        state.metrics.nonfinite_outputs.inc();
    }
    reply
}

/// The outputs of `model` for `pixels`, any number of images in the model's input shape, before `deadline`.
pub(super) async fn classify(
    state: &AppState,
    model: &Arc<Model>,
    pixels: Bytes,
    deadline: Instant,
) -> Result<Outputs, Failure> {
    let image = model.classifier.shape.size();
    let job_size = model.classifier.images_per_call * image;
    let queued = Instant::now();
    // A large request becomes several jobs, which several workers may compute.
    let (jobs, results): (Vec<Job>, Vec<oneshot::Receiver<JobResult>>) = (0..pixels.len())
        .step_by(job_size)
        .map(|start| {
            let (reply, result) = oneshot::channel();
            let end = pixels.len().min(start + job_size);
            let later = pixels.len() - end;
            let (later_jobs, later_images) = (later.div_ceil(job_size), later / image);
            let (model, pixels) = (Arc::clone(model), pixels.slice(start..end));
            (Job { model, pixels, queued, deadline, later_jobs, later_images, reply }, result)
        })
        .unzip();
    if !state.queue.push(jobs, &state.metrics) {
        return Err(queue_full(state));
    }
    let outputs = tokio::time::timeout_at(deadline.into(), gather(results));
    // A job is dropped without a result only if it would have missed its deadline.
    outputs.await.ok().flatten().unwrap_or_else(|| {
        let message = "the deadline has passed or cannot be met: try again, or allow more time";
        Err(busy(state, message.into()))
    })
}

fn queue_full(state: &AppState) -> Failure {
    let n = state.options.queue;
    busy(state, format!("the queue is full, at most {n} images may wait: try again"))
}

fn busy(state: &AppState, message: String) -> Failure {
    Failure::busy(state.options.overload_status, message)
}

/// The outputs of all jobs of a request, in their order; `None` if one was dropped.
async fn gather(results: Vec<oneshot::Receiver<JobResult>>) -> Option<Result<Outputs, Failure>> {
    let mut all: Option<Outputs> = None;
    for result in results {
        match (result.await.ok()?, &mut all) {
            (Err(reason), _) => {
                let message = format!("the model failed on these images: {reason}");
                return Some(Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)));
            }
            (Ok(outputs), None) => all = Some(outputs),
            (Ok(outputs), Some(all)) => {
                all.logits.extend(outputs.logits);
                all.probabilities.extend(outputs.probabilities);
            }
        }
    }
    all.map(Ok)
}
