//! An inference request, from its body to its reply.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::Server;
use super::body::{self, heavy};
use super::failure::Failure;
use super::models::Model;
use super::queue::{Answer, Job};
use super::{reply, request};
use crate::classifier::{Outputs, PIXELS};

/// Answers a request of the protocol for `model`.
pub(crate) async fn infer(
    server: &Server,
    model: &Arc<Model>,
    request: Request,
) -> Result<Response, Failure> {
    let start = Instant::now();
    let (Parts { headers, .. }, body) = request.into_parts();
    let received = body::read(server, &headers, body, server.options.max_body << 20).await?;
    if server.queue.is_full() {
        // Refusing has to cost less than answering, or a server drowns in refusals.
        return Err(full(server));
    }
    let (bytes, max_batch) = (received.bytes.clone(), server.options.max_batch);
    let asked = heavy(bytes.len(), move || request::parse(&headers, &bytes, max_batch)).await??;
    let deadline = start + asked.timeout.unwrap_or(server.options.timeout);
    let outputs = classify(server, model, asked.pixels.clone(), deadline).await?;
    let (name, n_bytes) = (server.options.name.as_str().to_owned(), 4 * outputs.logits.len());
    let model = Arc::clone(model);
    let write = move || reply::infer(&name, &model, asked.id.as_deref(), &asked.outputs, &outputs);
    let reply = heavy(n_bytes, write).await?;
    if reply.as_ref().is_err_and(|failure| failure.status == StatusCode::INTERNAL_SERVER_ERROR) {
        server.metrics.nonfinite_outputs.inc();
    }
    reply
}

/// Has `pixels`, of any number of pictures, computed by `model` until `deadline`.
pub(crate) async fn classify(
    server: &Server,
    model: &Arc<Model>,
    pixels: Bytes,
    deadline: Instant,
) -> Result<Outputs, Failure> {
    let at_once = model.classifier.pictures_at_once * PIXELS;
    let queued = Instant::now();
    // Parts of a large request may be computed by several workers.
    let (jobs, answers): (Vec<Job>, Vec<oneshot::Receiver<Answer>>) = (0..pixels.len())
        .step_by(at_once)
        .map(|start| {
            let (reply, answer) = oneshot::channel();
            let end = pixels.len().min(start + at_once);
            let behind = pixels.len() - end;
            let (jobs_behind, pictures_behind) = (behind.div_ceil(at_once), behind / PIXELS);
            let (model, pixels) = (Arc::clone(model), pixels.slice(start..end));
            (Job { model, pixels, queued, deadline, jobs_behind, pictures_behind, reply }, answer)
        })
        .unzip();
    if !server.queue.push(jobs, &server.metrics) {
        return Err(full(server));
    }
    let outputs = tokio::time::timeout_at(deadline.into(), gather(answers));
    // A job is dropped unanswered only where it would not be done in time.
    outputs.await.ok().flatten().unwrap_or_else(|| {
        Err(busy(
            server,
            "the deadline passed, or would have: try again, or allow more time".into(),
        ))
    })
}

fn full(server: &Server) -> Failure {
    let n = server.options.queue;
    busy(server, format!("the queue is full, at most {n} pictures wait: try again"))
}

fn busy(server: &Server, message: String) -> Failure {
    Failure::busy(server.options.overload_status, message)
}

/// The answers to all parts, in their order; `None` where one was dropped.
async fn gather(answers: Vec<oneshot::Receiver<Answer>>) -> Option<Result<Outputs, Failure>> {
    let mut all: Option<Outputs> = None;
    for answer in answers {
        match (answer.await.ok()?, &mut all) {
            (Err(reason), _) => {
                let message = format!("the model failed on these pictures: {reason}");
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
