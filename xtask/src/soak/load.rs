//! Load: many connections that send requests as fast as they are answered (a closed loop), or at a
//! rate whatever the server does (an open loop).
//!
//! In an open loop a latency counts from the moment at which the request was due. A server that
//! stalls for a second makes a closed loop wait and measure one slow request; here all that fell due
//! meanwhile are late too, as they would be for people ("coordinated omission").

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::http::{Connection, Failure, Reply};

/// Looks at the reply to the request of an index; false where it is not what it should be.
pub(super) type Judge = Arc<dyn Fn(usize, &Reply<'_>) -> bool + Send + Sync>;

/// What is sent where, how fast, and for how long.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    /// Sent in turn, from the first again after the last.
    pub(super) requests: Arc<Vec<Vec<u8>>>,
    pub(super) connections: usize,
    /// Requests a second; none is a closed loop.
    pub(super) rate: Option<f64>,
    pub(super) time: Duration,
    /// The most requests of a closed loop.
    pub(super) count: usize,
    /// How long a client waits for an answer.
    pub(super) patience: Duration,
    pub(super) judge: Option<Judge>,
    /// Ends the load early.
    pub(super) stop: Arc<AtomicBool>,
    /// Whether the client has a core of its own, on which it need not sleep between requests.
    pub(super) spins: bool,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Tally {
    /// Milliseconds from when a request was due until its answer was whole, by status.
    pub(super) answers: BTreeMap<u16, Vec<f32>>,
    pub(super) failures: BTreeMap<Failure, u64>,
    /// Requests sent again, once, as the server was closing the idle connection they met.
    pub(super) retried: u64,
    /// Answers that the judge rejected.
    pub(super) wrong: u64,
    /// The first thing that went wrong, for a message.
    pub(super) example: Option<String>,
    pub(super) seconds: f64,
}

/// A request and when it was due.
type Slot = (usize, Instant);

struct Shared {
    plan: Plan,
    next: AtomicUsize,
    end: Instant,
    due: Mutex<VecDeque<Slot>>,
    has_due: Notify,
    finished: AtomicBool,
}

/// Runs a plan to its end: until all that fell due is answered or has failed.
pub(super) async fn run(plan: Plan) -> Tally {
    let start = Instant::now();
    let shared = Arc::new(Shared {
        end: start + plan.time,
        plan,
        next: AtomicUsize::new(0),
        due: Mutex::default(),
        has_due: Notify::new(),
        finished: AtomicBool::new(false),
    });
    let workers = (0..shared.plan.connections).map(|_| tokio::spawn(work(shared.clone())));
    let workers: Vec<_> = workers.collect();
    if let Some(rate) = shared.plan.rate {
        dispatch(&shared, rate).await;
    }
    let mut tally = Tally::default();
    for worker in workers {
        match worker.await {
            Ok(part) => tally.add(part),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    tally.seconds = start.elapsed().as_secs_f64();
    tally
}

/// Runs futures at once, on this task.
pub(super) async fn together<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut is_pending = false;
        for (future, result) in running.iter_mut().filter(|(_, result)| result.is_none()) {
            match future.as_mut().poll(context) {
                Poll::Ready(value) => *result = Some(value),
                Poll::Pending => is_pending = true,
            }
        }
        if is_pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

/// Hands out every request when it is due.
async fn dispatch(shared: &Shared, rate: f64) {
    let start = Instant::now();
    let total = (rate * shared.plan.time.as_secs_f64()) as usize;
    let mut slot = 0;
    while slot < total && !shared.plan.stop.load(Ordering::Relaxed) {
        let due = start + Duration::from_secs_f64(slot as f64 / rate);
        if due <= Instant::now() {
            shared.due.lock().unwrap_or_else(PoisonError::into_inner).push_back((slot, due));
            shared.has_due.notify_one();
            slot += 1;
        } else if shared.plan.spins {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep_until(due.into()).await;
        }
    }
    shared.finished.store(true, Ordering::Release);
    shared.has_due.notify_waiters();
}

impl Shared {
    /// The next request to send, when there is one.
    async fn next(&self) -> Option<Slot> {
        if self.plan.rate.is_none() {
            let now = Instant::now();
            let slot = self.next.fetch_add(1, Ordering::Relaxed);
            let over = now >= self.end || self.plan.stop.load(Ordering::Relaxed);
            return (!over && slot < self.plan.count).then_some((slot, now));
        }
        loop {
            // Made before the look, so that what happens in between wakes it.
            let notified = self.has_due.notified();
            let slot = self.due.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            if slot.is_some() || self.finished.load(Ordering::Acquire) {
                return slot;
            }
            notified.await;
        }
    }
}

/// One connection's life.
async fn work(shared: Arc<Shared>) -> Tally {
    let plan = &shared.plan;
    let mut tally = Tally::default();
    let mut kept = None;
    while let Some((slot, due)) = shared.next().await {
        let index = slot % plan.requests.len();
        let request = &plan.requests[index];
        let mut is_second = false;
        loop {
            let (mut connection, is_fresh) = match kept.take() {
                Some(connection) => (connection, false),
                None => match Connection::open(plan.address).await {
                    Ok(connection) => (connection, true),
                    Err(failure) => {
                        tally.fail(failure);
                        // A server that has gone is not to be asked a million times.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        break;
                    }
                },
            };
            match connection.exchange_within(plan.patience, request).await {
                Ok(reply) => {
                    tally.answer(&reply, due);
                    if plan.judge.as_ref().is_some_and(|judge| !judge(index, &reply)) {
                        tally.wrong += 1;
                        let what = format!("request {index}: {} {}", reply.status, reply.text());
                        tally.example.get_or_insert(what);
                    }
                    if !reply.closes() {
                        kept = Some(connection);
                    }
                }
                Err(Failure::Closed | Failure::Reset) if !is_fresh && !is_second => {
                    tally.retried += 1;
                    is_second = true;
                    continue;
                }
                Err(failure) => tally.fail(failure),
            }
            break;
        }
    }
    tally
}

impl Tally {
    fn answer(&mut self, reply: &Reply<'_>, due: Instant) {
        let milliseconds = due.elapsed().as_secs_f32() * 1e3;
        self.answers.entry(reply.status).or_default().push(milliseconds);
        if reply.status != 200 && self.example.is_none() {
            self.example = Some(format!("{} {}", reply.status, reply.text()));
        }
    }

    fn fail(&mut self, failure: Failure) {
        *self.failures.entry(failure).or_default() += 1;
    }

    /// Adds what another did in the same time or after it.
    pub(super) fn add(&mut self, other: Self) {
        for (status, latencies) in other.answers {
            self.answers.entry(status).or_default().extend(latencies);
        }
        for (failure, n) in other.failures {
            *self.failures.entry(failure).or_default() += n;
        }
        self.retried += other.retried;
        self.wrong += other.wrong;
        self.seconds += other.seconds;
        self.example = self.example.take().or(other.example);
    }

    /// Answers with a status.
    pub(super) fn count(&self, status: u16) -> u64 {
        self.answers.get(&status).map_or(0, |latencies| latencies.len() as u64)
    }

    /// Answers of any status.
    pub(super) fn answered(&self) -> u64 {
        self.answers.values().map(|latencies| latencies.len() as u64).sum()
    }

    /// Requests without an answer.
    pub(super) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// All that did not end with the right answer and 200.
    pub(super) fn errors(&self) -> u64 {
        self.answered() - self.count(200) + self.failed() + self.wrong
    }

    /// Good answers a second.
    pub(super) fn rate(&self) -> f64 {
        self.count(200) as f64 / self.seconds
    }

    /// The milliseconds that a part of the answers of a status does not exceed; infinite without any.
    pub(super) fn latency(&self, status: u16, part: f64) -> f64 {
        let mut sorted = self.answers.get(&status).cloned().unwrap_or_default();
        sorted.sort_by(f32::total_cmp);
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).map_or(f64::INFINITY, |&ms| f64::from(ms))
    }

    /// Failures and unexpected statuses in words.
    pub(super) fn trouble(&self) -> String {
        let statuses = self.answers.iter().filter(|(status, _)| **status != 200);
        let statuses =
            statuses.map(|(status, latencies)| format!("{} of {status}", latencies.len()));
        let failures = self.failures.iter().map(|(failure, n)| format!("{n} {failure:?}"));
        let wrong = (self.wrong > 0).then(|| format!("{} wrong", self.wrong));
        let retried = (self.retried > 0).then(|| format!("{} retried", self.retried));
        let mut all: Vec<_> = statuses.chain(failures).chain(wrong).chain(retried).collect();
        if self.errors() > 0 {
            all.extend(self.example.as_ref().map(|example| format!("such as: {example}")));
        }
        if all.is_empty() { "0 errors".to_owned() } else { all.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let mut tally = Tally::default();
        assert!(tally.latency(200, 0.5).is_infinite());
        tally.answers.insert(200, (1..=1000).rev().map(|ms| ms as f32).collect());
        tally.answers.insert(503, vec![7.0]);
        let at = |part| tally.latency(200, part);
        assert_eq!([at(0.5), at(0.99), at(0.999), at(1.0)], [500.0, 990.0, 999.0, 1000.0]);
        assert_eq!((tally.count(503), tally.answered(), tally.errors()), (1, 1001, 1));
    }
}
