//! Pictures that wait to be computed: bounded, each with a deadline, and dropped once nobody waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    /// Jobs of the same request right behind this one, and their pictures.
    pub(crate) jobs_behind: usize,
    pub(crate) pictures_behind: usize,
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
    /// Nanoseconds that a picture took of late, of all workers together.
    picture_time: AtomicU64,
    /// Whether callers are being refused: from the first that finds no room until three quarters are free.
    crowded: Arc<AtomicBool>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    n_pictures: usize,
    closed: bool,
}

impl Waiting {
    /// Drops the first jobs, whose callers are told so; returns the number of their pictures.
    fn drop_first(&mut self, n_jobs: usize) -> usize {
        let dropped = self.jobs.drain(..n_jobs.min(self.jobs.len()));
        let n_pictures = dropped.map(|job| job.n_pictures()).sum();
        self.n_pictures -= n_pictures;
        n_pictures
    }
}

impl Job {
    pub(crate) fn n_pictures(&self) -> usize {
        self.pixels.len() / PIXELS
    }
}

impl Queue {
    pub(crate) fn new(capacity: usize, crowded: Arc<AtomicBool>) -> Self {
        let picture_time = AtomicU64::new(0);
        Self { waiting: Mutex::default(), arrived: Condvar::new(), capacity, picture_time, crowded }
    }

    /// Takes all of a caller's jobs or none; `false` means that there is no room.
    ///
    /// Whatever is larger than the queue gets in when it is empty, or it never could.
    pub(crate) fn push(&self, jobs: Vec<Job>, metrics: &Metrics) -> bool {
        let n_pictures: usize = jobs.iter().map(Job::n_pictures).sum();
        let n_jobs = jobs.len();
        let mut waiting = self.lock();
        let fits = waiting.n_pictures == 0 || waiting.n_pictures + n_pictures <= self.room();
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

    /// The most pictures that may wait now: a burst may fill the queue, but one that stays full serves nobody
    /// sooner and only makes everybody late, so that callers find half of it until it has drained.
    fn room(&self) -> usize {
        match self.crowded.load(Ordering::Relaxed) {
            true => self.capacity.div_ceil(2),
            false => self.capacity,
        }
    }

    /// Whether no request, however small, would be taken now.
    pub(crate) fn is_full(&self) -> bool {
        let full = self.lock().n_pictures >= self.room();
        if full {
            self.crowded.store(true, Ordering::Relaxed);
        }
        full
    }

    /// Waits for work and takes jobs of one model, together at most `at_most` pictures unless the
    /// first alone has more; `None` once the queue is closed and empty.
    ///
    /// Nothing waits for company: a batch is what gathered while the workers were busy. Jobs that
    /// nobody waits for any more are dropped here, before they cost anything, and so are those that
    /// would not be done in time: under load beyond capacity the first in the queue is always about to
    /// expire, and a server that computes it all the same answers nobody.
    pub(crate) fn pop(&self, at_most: usize, metrics: &Metrics) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        loop {
            let (mut batch, mut n_pictures): (Vec<Job>, usize) = (Vec::new(), 0);
            let (now, mut guessed) = (Instant::now(), false);
            while let Some(job) = waiting.jobs.front() {
                let n = job.n_pictures();
                if now + self.time_for(n + job.pictures_behind) > job.deadline {
                    let n_jobs = 1 + job.jobs_behind;
                    guessed |= now < job.deadline;
                    metrics.dropped_expired.inc_by(waiting.drop_first(n_jobs) as u64);
                } else if job.reply.is_closed() {
                    metrics.dropped_canceled.inc_by(waiting.drop_first(1) as u64);
                } else if batch.first().is_some_and(|first| {
                    n_pictures + n > at_most || !Arc::ptr_eq(&first.model, &job.model)
                }) {
                    break;
                } else if let Some(job) = waiting.jobs.pop_front() {
                    waiting.n_pictures -= n;
                    n_pictures += n;
                    batch.push(job);
                }
            }
            if guessed {
                // One slow batch, on a machine that was halted say, must not refuse work for ever.
                let time = self.picture_time.load(Ordering::Relaxed);
                self.picture_time.store(time - time / 8, Ordering::Relaxed);
            }
            metrics.queued_pictures.set(waiting.n_pictures as i64);
            if waiting.n_pictures <= self.capacity / 4 {
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

    /// Notes how long `n_pictures` took one of `n_workers`.
    pub(crate) fn took(&self, n_pictures: usize, time: Duration, n_workers: usize) {
        let one = time.as_nanos() as u64 / (n_pictures * n_workers).max(1) as u64;
        let before = self.picture_time.load(Ordering::Relaxed);
        // An eighth of the new: steady, and forgotten after a few batches.
        let after = if before == 0 { one } else { before - before / 8 + one / 8 };
        self.picture_time.store(after, Ordering::Relaxed);
    }

    fn time_for(&self, n_pictures: usize) -> Duration {
        Duration::from_nanos(self.picture_time.load(Ordering::Relaxed) * n_pictures as u64)
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
