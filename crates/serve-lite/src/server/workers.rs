//! The threads that compute the images in the queue.

use std::sync::Arc;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::metrics::Metrics;
use super::queue::Job;
use super::{AppState, priority};
use crate::classifier::Outputs;
use crate::error::Error;

/// Starts the workers. They end when the queue is closed; keep the pools until then.
///
/// A worker is a pool of one thread, so that the kernels do not spread one batch over the machine: other batches keep
/// the other cores busy.
pub(super) fn start(state: &Arc<AppState>) -> Result<Vec<ThreadPool>, Error> {
    (0..state.n_workers)
        .map(|i| {
            let name = move |_| format!("inference-{i}");
            let pool = ThreadPoolBuilder::new().num_threads(1).thread_name(name).build();
            let pool = pool.map_err(|error| Error::Threads { reason: error.to_string() })?;
            let state = Arc::clone(state);
            pool.spawn(move || work(&state));
            Ok(pool)
        })
        .collect()
}

fn work(state: &Arc<AppState>) {
    priority::set_niceness(priority::WORKER_NICENESS);
    let (queue, metrics) = (&state.queue, &state.metrics);
    while let Some(jobs) = queue.pop(state.options.micro_batch, metrics) {
        let (n_images, start) = (jobs.iter().map(Job::n_images).sum(), Instant::now());
        let result = compute(&jobs, metrics);
        queue.record_batch(n_images, start.elapsed(), state.n_workers);
        match result {
            Ok(outputs) => reply(state, jobs, outputs),
            // The images of one request must not fail another request.
            Err(_) if jobs.len() > 1 => {
                for job in jobs {
                    let result = compute(std::slice::from_ref(&job), metrics);
                    let _ = job.reply.send(result);
                }
            }
            Err(reason) => {
                for job in jobs {
                    let _ = job.reply.send(Err(reason.clone()));
                }
            }
        }
    }
}

/// Computes the images of all jobs together; as in Triton, only successful batches are counted.
fn compute(jobs: &[Job], metrics: &Metrics) -> Result<Outputs, String> {
    let start = Instant::now();
    let [first, others @ ..] = jobs else { return Err("no images".into()) };
    let model = &first.model;
    let joined;
    let pixels: &[u8] = if others.is_empty() {
        &first.pixels
    } else {
        joined = jobs.iter().map(|job| &job.pixels[..]).collect::<Vec<_>>().concat();
        &joined
    };
    let ready = Instant::now();
    let outputs = model.classifier.classify(pixels);
    let end = Instant::now();
    if outputs.is_ok() {
        for job in jobs {
            metrics.queued_for(&model.counters, start.saturating_duration_since(job.queued));
        }
        let n_images = jobs.iter().map(Job::n_images).sum();
        metrics.computed(&model.counters, n_images, ready - start, end - ready);
    }
    outputs.map_err(|error| match error {
        Error::Inference { reason } => reason,
        other => other.to_string(),
    })
}

/// Sends every request the outputs of its own images.
///
/// The replies to several requests are sent from an HTTP thread, which is then woken once. Sent from here, each would
/// wake it, and on few cores each wake-up would interrupt this thread.
fn reply(state: &Arc<AppState>, jobs: Vec<Job>, outputs: Outputs) {
    if jobs.len() == 1 {
        return send(&state.metrics, jobs, &outputs);
    }
    let shared = Arc::clone(state);
    state.runtime.spawn(async move { send(&shared.metrics, jobs, &outputs) });
}

fn send(metrics: &Metrics, jobs: Vec<Job>, outputs: &Outputs) {
    let start = Instant::now();
    let (classes, mut row) = (outputs.classes, 0);
    let Some(counters) = jobs.first().map(|job| Arc::clone(&job.model.counters)) else { return };
    for job in jobs {
        let range = row * classes..(row + job.n_images()) * classes;
        row += job.n_images();
        let own = Outputs {
            logits: outputs.logits[range.clone()].to_vec(),
            probabilities: outputs.probabilities[range].to_vec(),
            classes,
        };
        // Fails if the client has disconnected, which is not an error.
        let _ = job.reply.send(Ok(own));
    }
    metrics.replied(&counters, start.elapsed());
}
