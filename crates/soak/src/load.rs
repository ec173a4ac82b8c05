//! Load: many connections that send requests as fast as they are answered (a closed loop), or at a given rate whatever
//! the server does (an open loop).
//!
//! In an open loop a latency counts from the time at which the request was due. A server that stalls for a second makes
//! a closed loop wait, which then measures one slow request; here all requests that fell due meanwhile are late too, as
//! they would be for people
//! ([coordinated omission](https://www.scylladb.com/2021/04/22/on-coordinated-omission/)).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serve_client::{Failure, Reply};
use tokio::sync::Mutex;

use crate::client::Client;
use crate::tally::Tally;

/// Whether the reply to the request of an index is correct.
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

struct Shared {
    load: Load,
    start: Instant,
    /// The next request. In an open loop a client holds the lock until that request is due, and the others wait for it.
    next: Mutex<usize>,
}

/// Runs a load until all requests that fell due are answered or have failed.
pub(crate) async fn run(load: Load) -> Tally {
    let start = Instant::now();
    let shared = Arc::new(Shared { load, start, next: Mutex::new(0) });
    let clients: Vec<_> =
        (0..shared.load.connections).map(|_| tokio::spawn(send_all(shared.clone()))).collect();
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

/// Runs a load until another future is ready: what came of both.
pub(crate) async fn run_beside<T>(load: Load, other: impl Future<Output = T>) -> (Tally, T) {
    let stop = load.stop.clone();
    let other = async {
        let outcome = other.await;
        stop.store(true, Ordering::Relaxed);
        outcome
    };
    tokio::join!(run(load), other)
}

impl Shared {
    /// Waits until the next request is due: its index, counted from the first, and when it was due. `None` at the end.
    async fn next(&self) -> Option<(usize, Instant)> {
        let Load { rate, time, count, spins, .. } = self.load;
        let mut next = self.next.lock().await;
        let index = *next;
        let due = match rate {
            Some(rate) if index < (rate * time.as_secs_f64()) as usize => {
                self.start + Duration::from_secs_f64(index as f64 / rate)
            }
            None if index < count && self.start.elapsed() < time => Instant::now(),
            _ => return None,
        };
        while Instant::now() < due && !self.load.stop.load(Ordering::Relaxed) {
            if spins {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep_until(due.into()).await;
            }
        }
        if self.load.stop.load(Ordering::Relaxed) {
            return None;
        }
        *next += 1;
        Some((index, due))
    }
}

/// One client, which sends one request at a time.
async fn send_all(shared: Arc<Shared>) -> Tally {
    let load = &shared.load;
    let mut tally = Tally::default();
    let mut client = Client::new(load.address, load.patience);
    while let Some((number, due)) = shared.next().await {
        let index = number % load.requests.len();
        let request = &load.requests[index];
        let was_connected = client.is_connected();
        let mut outcome = client.exchange(request).await;
        if was_connected && matches!(outcome, Err(Failure::Closed | Failure::Reset)) {
            tally.retried += 1;
            outcome = client.exchange(request).await;
        }
        match outcome {
            Ok(reply) => {
                let is_correct = load.check.as_ref().is_none_or(|check| check(index, &reply));
                tally.add_reply(&reply, due, is_correct);
            }
            Err(failure) => {
                tally.add_failure(failure);
                if failure == Failure::Refused {
                    // A server that has ended must not be tried a million times.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }
    tally
}
