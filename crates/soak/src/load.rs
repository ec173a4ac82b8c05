//! Load: many connections that send requests as fast as they are answered (a closed loop), or at a given rate whatever
//! the server does (an open loop).
//!
//! In an open loop a latency counts from the time at which the request was due. A server that stalls for a second makes
//! a closed loop wait, which then measures one slow request; here all requests that fell due meanwhile are late too, as
//! they would be for people
//! ([coordinated omission](https://www.scylladb.com/2021/04/22/on-coordinated-omission/)).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serve_client::{Connection, Failure, Reply};
use tokio::sync::Notify;

use crate::tally::Tally;

/// Whether the reply to the request of an index is right.
pub(crate) type ReplyCheck = Arc<dyn Fn(usize, &Reply) -> bool + Send + Sync>;

/// What is sent where, how fast, and for how long.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// Sent in order, and from the first again after the last.
    pub(crate) requests: Arc<Vec<Vec<u8>>>,
    pub(crate) connections: usize,
    /// Requests a second; `None` is a closed loop.
    pub(crate) rate: Option<f64>,
    pub(crate) time: Duration,
    /// The most requests of a closed loop.
    pub(crate) count: usize,
    /// How long a client waits for a reply.
    pub(crate) patience: Duration,
    pub(crate) check: Option<ReplyCheck>,
    /// Ends the load early.
    pub(crate) stop: Arc<AtomicBool>,
    /// Whether the client has a core of its own, on which it need not sleep between requests.
    pub(crate) spins: bool,
}

/// The index of a request, counted from the first, and when it was due.
type Due = (usize, Instant);

struct Shared {
    load: Load,
    next: AtomicUsize,
    end: Instant,
    due: Mutex<VecDeque<Due>>,
    has_due: Notify,
    finished: AtomicBool,
}

/// Runs a load until all requests that fell due are answered or have failed.
pub(crate) async fn run(load: Load) -> Tally {
    let start = Instant::now();
    let shared = Arc::new(Shared {
        end: start + load.time,
        load,
        next: AtomicUsize::new(0),
        due: Mutex::default(),
        has_due: Notify::new(),
        finished: AtomicBool::new(false),
    });
    let clients: Vec<_> =
        (0..shared.load.connections).map(|_| tokio::spawn(client(shared.clone()))).collect();
    if let Some(rate) = shared.load.rate {
        dispatch(&shared, rate).await;
    }
    let mut tally = Tally::default();
    for client in clients {
        match client.await {
            Ok(part) => tally.add(part),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    tally.seconds = start.elapsed().as_secs_f64();
    tally
}

/// Hands out every request when it is due.
async fn dispatch(shared: &Shared, rate: f64) {
    let start = Instant::now();
    let total = (rate * shared.load.time.as_secs_f64()) as usize;
    let mut index = 0;
    while index < total && !shared.load.stop.load(Ordering::Relaxed) {
        let due = start + Duration::from_secs_f64(index as f64 / rate);
        if due <= Instant::now() {
            shared.due.lock().unwrap_or_else(PoisonError::into_inner).push_back((index, due));
            shared.has_due.notify_one();
            index += 1;
        } else if shared.load.spins {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep_until(due.into()).await;
        }
    }
    shared.finished.store(true, Ordering::Release);
    shared.has_due.notify_waiters();
}

impl Shared {
    /// The next request to send, once there is one; `None` at the end.
    async fn next(&self) -> Option<Due> {
        if self.load.rate.is_none() {
            let now = Instant::now();
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let is_over = now >= self.end || self.load.stop.load(Ordering::Relaxed);
            return (!is_over && index < self.load.count).then_some((index, now));
        }
        loop {
            // Created before the queue is read, so that a request queued in between wakes it.
            let notified = self.has_due.notified();
            let due = self.due.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            if due.is_some() || self.finished.load(Ordering::Acquire) {
                return due;
            }
            notified.await;
        }
    }
}

/// One client, which sends one request at a time and keeps its connection.
async fn client(shared: Arc<Shared>) -> Tally {
    let load = &shared.load;
    let mut tally = Tally::default();
    let mut kept = None;
    while let Some((number, due)) = shared.next().await {
        let index = number % load.requests.len();
        let mut is_retry = false;
        loop {
            let (mut connection, is_new) = match kept.take() {
                Some(connection) => (connection, false),
                None => match Connection::open(load.address).await {
                    Ok(connection) => (connection, true),
                    Err(failure) => {
                        tally.add_failure(failure);
                        // A server that has ended must not be tried a million times.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        break;
                    }
                },
            };
            match connection.exchange_within(load.patience, &load.requests[index]).await {
                Ok(reply) => {
                    let is_right = load.check.as_ref().is_none_or(|check| check(index, &reply));
                    tally.add_reply(&reply, due, is_right);
                    if !reply.closes() {
                        kept = Some(connection);
                    }
                }
                Err(Failure::Closed | Failure::Reset) if !is_new && !is_retry => {
                    tally.retried += 1;
                    is_retry = true;
                    continue;
                }
                Err(failure) => tally.add_failure(failure),
            }
            break;
        }
    }
    tally
}
