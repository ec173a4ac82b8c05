//! Threads that compute what waits in the queue.

use std::sync::Arc;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::metrics::Metrics;
use super::queue::Job;
use super::{Server, priority};
use crate::classifier::{Outputs, PIXELS};
use crate::error::Error;

/// Starts the workers; they end when the queue is closed. Keep the pools for as long.
///
/// A worker is a pool of one thread, so that what the kernels would spread over a machine stays on
/// it: callers are what keeps the other cores busy.
pub(crate) fn start(server: &Arc<Server>) -> Result<Vec<ThreadPool>, Error> {
    (0..server.n_workers)
        .map(|i| {
            let name = move |_| format!("inference-{i}");
            let pool = ThreadPoolBuilder::new().num_threads(1).thread_name(name).build();
            let pool = pool.map_err(|error| Error::Threads { reason: error.to_string() })?;
            let server = Arc::clone(server);
            pool.spawn(move || work(&server));
            Ok(pool)
        })
        .collect()
}

fn work(server: &Arc<Server>) {
    priority::lower(priority::WORKER);
    let (queue, metrics) = (&server.queue, &server.metrics);
    while let Some(jobs) = queue.pop(server.options.micro_batch, metrics) {
        let (n_pictures, start) = (jobs.iter().map(Job::n_pictures).sum(), Instant::now());
        let answer = compute(&jobs, metrics);
        queue.took(n_pictures, start.elapsed(), server.n_workers);
        match answer {
            Ok(outputs) => reply(server, jobs, outputs),
            // One caller's pictures must not fail another's.
            Err(_) if jobs.len() > 1 => {
                for job in jobs {
                    let alone = [job];
                    let answer = compute(&alone, metrics);
                    let [job] = alone;
                    let _ = job.reply.send(answer);
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

/// Runs the pictures of all jobs together; only what succeeds is counted, as in Triton.
fn compute(jobs: &[Job], metrics: &Metrics) -> Result<Outputs, String> {
    let start = Instant::now();
    let [first, others @ ..] = jobs else { return Err("no pictures".into()) };
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
        let n_pictures = pixels.len() / PIXELS;
        metrics.computed(&model.counters, n_pictures, ready - start, end - ready);
    }
    outputs.map_err(|error| match error {
        Error::Inference { reason } => reason,
        other => other.to_string(),
    })
}

/// Hands every caller the rows of its own pictures.
///
/// Several callers are told on a thread that speaks HTTP, which is then woken once. Told from here,
/// each would wake it, and where cores are few it would take this one's as often.
fn reply(server: &Arc<Server>, jobs: Vec<Job>, outputs: Outputs) {
    if jobs.len() == 1 {
        return hand_out(&server.metrics, jobs, &outputs);
    }
    let shared = Arc::clone(server);
    server.runtime.spawn(async move { hand_out(&shared.metrics, jobs, &outputs) });
}

fn hand_out(metrics: &Metrics, jobs: Vec<Job>, outputs: &Outputs) {
    let start = Instant::now();
    let (classes, mut row) = (outputs.classes, 0);
    let Some(counters) = jobs.first().map(|job| Arc::clone(&job.model.counters)) else { return };
    for job in jobs {
        let range = row * classes..(row + job.n_pictures()) * classes;
        row += job.n_pictures();
        let own = Outputs {
            logits: outputs.logits[range.clone()].to_vec(),
            probabilities: outputs.probabilities[range].to_vec(),
            classes,
        };
        // A caller that left meanwhile is no failure.
        let _ = job.reply.send(Ok(own));
    }
    metrics.replied(&counters, start.elapsed());
}
