//! Pictures that wait to be computed: bounded, each with a deadline, and dropped once nobody waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::metrics::Metrics;
use super::models::Model;
use crate::classifier::{Outputs, PIXELS};

/// Pictures of one caller that are computed in one go.
pub(crate) struct Job {
    pub(crate) model: Arc<Model>,
    /// `n * 784` grey levels.
    pub(crate) pixels: Bytes,
    pub(crate) queued: Instant,
    pub(crate) deadline: Instant,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// What became of a [`Job`]; the error is the model's, in words.
pub(crate) type Answer = Result<Outputs, String>;

/// The pictures that wait, for any number of callers and workers.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// The most pictures that wait.
    capacity: usize,
    /// Whether callers are being refused: from the first that finds no room until half is free.
    crowded: Arc<AtomicBool>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    n_pictures: usize,
    closed: bool,
}

impl Job {
    pub(crate) fn n_pictures(&self) -> usize {
        self.pixels.len() / PIXELS
    }
}

impl Queue {
    pub(crate) fn new(capacity: usize, crowded: Arc<AtomicBool>) -> Self {
        Self { waiting: Mutex::default(), arrived: Condvar::new(), capacity, crowded }
    }

    /// Takes all of a caller's jobs or none; `false` means that there is no room.
    ///
    /// Whatever is larger than the queue gets in when it is empty, or it never could.
    pub(crate) fn push(&self, jobs: Vec<Job>, metrics: &Metrics) -> bool {
        let n_pictures: usize = jobs.iter().map(Job::n_pictures).sum();
        let n_jobs = jobs.len();
        let mut waiting = self.lock();
        let fits = waiting.n_pictures == 0 || waiting.n_pictures + n_pictures <= self.capacity;
        if waiting.closed || !fits {
            self.crowded.store(true, Ordering::Relaxed);
            return false;
        }
        waiting.n_pictures += n_pictures;
        metrics.queued_pictures.set(waiting.n_pictures as i64);
        waiting.jobs.extend(jobs);
        drop(waiting);
        if n_jobs == 1 {
            self.arrived.notify_one()
        } else {
            self.arrived.notify_all()
        }
        true
    }

    /// Whether no request, however small, would be taken now.
    pub(crate) fn is_full(&self) -> bool {
        let full = self.lock().n_pictures >= self.capacity;
        if full {
            self.crowded.store(true, Ordering::Relaxed);
        }
        full
    }

    /// Waits for work and takes jobs of one model, together at most `at_most` pictures unless the
    /// first alone has more; `None` once the queue is closed and empty.
    ///
    /// Nothing waits for company: a batch is what gathered while the workers were busy. Jobs that
    /// nobody waits for any more are dropped here, before they cost anything.
    pub(crate) fn pop(&self, at_most: usize, metrics: &Metrics) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        loop {
            let (mut batch, mut n_pictures): (Vec<Job>, usize) = (Vec::new(), 0);
            let now = Instant::now();
            while let Some(job) = waiting.jobs.front() {
                let n = job.n_pictures();
                // A caller whose deadline passed has left, too.
                let dropped = if job.deadline <= now {
                    Some(&metrics.dropped_expired)
                } else if job.reply.is_closed() {
                    Some(&metrics.dropped_canceled)
                } else {
                    None
                };
                let fits = batch.first().is_none_or(|first| {
                    n_pictures + n <= at_most && Arc::ptr_eq(&first.model, &job.model)
                });
                if dropped.is_none() && !fits {
                    break;
                }
                let Some(job) = waiting.jobs.pop_front() else { break };
                waiting.n_pictures -= n;
                match dropped {
                    Some(counter) => counter.inc_by(n as u64),
                    None => {
                        n_pictures += n;
                        batch.push(job);
                    }
                }
            }
            metrics.queued_pictures.set(waiting.n_pictures as i64);
            if waiting.n_pictures <= self.capacity / 2 {
                self.crowded.store(false, Ordering::Relaxed);
            }
            if !batch.is_empty() {
                return Some(batch);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more jobs; workers end once they have computed what waits.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Nothing that holds the lock can leave the queue half-changed, so a panic elsewhere is no
    /// reason to stop serving.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
