//! The queue of images that wait for computation: bounded, with a deadline for each, and without those whose client has
//! disconnected.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::metrics::Metrics;
use super::models::Model;
use crate::classifier::Outputs;

/// Images of one request that are computed in one call.
pub(super) struct Job {
    pub(super) model: Arc<Model>,
    /// `[n, channels, height, width]`
    pub(super) pixels: Bytes,
    pub(super) queued: Instant,
    pub(super) deadline: Instant,
    /// Jobs of the same request directly after this one, and their images.
    pub(super) later_jobs: usize,
    pub(super) later_images: usize,
    pub(super) reply: oneshot::Sender<JobResult>,
}

/// The result of a [`Job`]; the error is the model's, as text.
pub(super) type JobResult = Result<Outputs, String>;

/// The queue between any number of requests and workers.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// The most images that wait.
    capacity: usize,
    /// Recent computation time of an image, with all workers together, in nanoseconds.
    image_time: AtomicU64,
    /// Whether callers are being refused: from the first refusal until three quarters of the queue are free.
    overloaded: Arc<AtomicBool>,
}

struct Waiting {
    jobs: VecDeque<Job>,
    n_images: usize,
    closed: bool,
    /// Workers that wait for jobs.
    n_idle_workers: usize,
    /// When a worker last came for jobs.
    last_pop: Instant,
}

impl Waiting {
    /// Drops the first jobs, which their callers notice; returns the number of their images.
    fn drop_first(&mut self, n_jobs: usize) -> usize {
        let dropped = self.jobs.drain(..n_jobs.min(self.jobs.len()));
        let n_images = dropped.map(|job| job.n_images()).sum();
        self.n_images -= n_images;
        n_images
    }
}

impl Job {
    pub(super) fn n_images(&self) -> usize {
        self.pixels.len() / self.model.classifier.shape.size()
    }
}

impl Queue {
    pub(super) fn new(capacity: usize, overloaded: Arc<AtomicBool>) -> Self {
        let waiting = Waiting {
            jobs: VecDeque::new(),
            n_images: 0,
            closed: false,
            n_idle_workers: 0,
            last_pop: Instant::now(),
        };
        let (arrived, image_time) = Default::default();
        Self { waiting: Mutex::new(waiting), arrived, capacity, image_time, overloaded }
    }

    /// Takes all jobs of a request or none; `false` means that the queue is full.
    ///
    /// A request that is larger than the queue is taken when the queue is empty.
    pub(super) fn push(&self, jobs: Vec<Job>, metrics: &Metrics) -> bool {
        let n_images: usize = jobs.iter().map(Job::n_images).sum();
        let n_jobs = jobs.len();
        let mut waiting = self.lock();
        let fits = waiting.n_images == 0 || waiting.n_images + n_images <= self.limit();
        if waiting.closed || !fits {
            self.overloaded.store(true, Ordering::Relaxed);
            return false;
        }
        waiting.n_images += n_images;
        metrics.queued_images.set(waiting.n_images as i64);
        waiting.jobs.extend(jobs);
        drop(waiting);
        if n_jobs == 1 {
            self.arrived.notify_one()
        } else {
            self.arrived.notify_all()
        }
        true
    }

    /// The most images that may wait now: all of the capacity, or half of it during overload. A queue that stays full
    /// adds latency to every request and no throughput.
    fn limit(&self) -> usize {
        match self.overloaded.load(Ordering::Relaxed) {
            true => self.capacity.div_ceil(2),
            false => self.capacity,
        }
    }

    /// Whether a request of any size would be refused now.
    pub(super) fn is_full(&self) -> bool {
        let full = self.lock().n_images >= self.limit();
        if full {
            self.overloaded.store(true, Ordering::Relaxed);
        }
        full
    }

    /// Whether no worker has come for jobs for longer than `limit`: every one of them is still computing a batch.
    pub(super) fn is_stalled(&self, limit: Duration) -> bool {
        let waiting = self.lock();
        waiting.n_idle_workers == 0 && waiting.last_pop.elapsed() > limit
    }

    /// Waits for work and takes a batch: jobs of one model with together at most `max_images`, unless the first alone
    /// has more. `None` once the queue is closed and empty.
    ///
    /// No job waits for a batch to fill: a batch is what arrived while the workers were busy. Jobs whose client has
    /// disconnected are dropped before they are computed, and so are those that would miss their deadline: under load
    /// beyond capacity the first job is always about to expire, and computing it anyway would answer no client in time.
    pub(super) fn pop(&self, max_images: usize, metrics: &Metrics) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        loop {
            waiting.last_pop = Instant::now();
            let (mut batch, mut n_images): (Vec<Job>, usize) = (Vec::new(), 0);
            let (now, mut dropped_early) = (Instant::now(), false);
            while let Some(job) = waiting.jobs.front() {
                let n = job.n_images();
                if now + self.estimated_time(n + job.later_images) > job.deadline {
                    let n_jobs = 1 + job.later_jobs;
                    dropped_early |= now < job.deadline;
                    metrics.dropped_expired.inc_by(waiting.drop_first(n_jobs) as u64);
                } else if job.reply.is_closed() {
                    metrics.dropped_canceled.inc_by(waiting.drop_first(1) as u64);
                } else if batch.first().is_some_and(|first| {
                    n_images + n > max_images || !Arc::ptr_eq(&first.model, &job.model)
                }) {
                    break;
                } else if let Some(job) = waiting.jobs.pop_front() {
                    waiting.n_images -= n;
                    n_images += n;
                    batch.push(job);
                }
            }
            if dropped_early {
                // The estimate decays, so that one slow batch, for instance of a suspended machine, does not refuse
                // work for ever.
                let time = self.image_time.load(Ordering::Relaxed);
                self.image_time.store(time - time / 8, Ordering::Relaxed);
            }
            metrics.queued_images.set(waiting.n_images as i64);
            if waiting.n_images <= self.capacity / 4 {
                self.overloaded.store(false, Ordering::Relaxed);
            }
            if !batch.is_empty() {
                return Some(batch);
            }
            if waiting.closed {
                return None;
            }
            waiting.n_idle_workers += 1;
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.n_idle_workers -= 1;
        }
    }

    /// Updates the estimate of an image's time: a batch of `n_images` took one of `n_workers` this long.
    pub(super) fn record_batch(&self, n_images: usize, time: Duration, n_workers: usize) {
        let new = time.as_nanos() as u64 / (n_images * n_workers).max(1) as u64;
        let old = self.image_time.load(Ordering::Relaxed);
        // A moving average with weight 1/8: steady, and it follows a change within a few batches.
        let average = if old == 0 { new } else { old - old / 8 + new / 8 };
        self.image_time.store(average, Ordering::Relaxed);
    }

    fn estimated_time(&self, n_images: usize) -> Duration {
        Duration::from_nanos(self.image_time.load(Ordering::Relaxed) * n_images as u64)
    }

    /// Refuses further jobs; workers end once they have computed those that wait.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// A poisoned lock is used anyway: no code that holds it can panic in the middle of a change.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
