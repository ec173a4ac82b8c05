//! [`Connection`](crate::Connection) for code that is not async. Every call ends within [`TIME_LIMIT`].

use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::{Failure, Reply};

/// Far longer than any reply takes: a test that waits this long has failed.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A connection with a runtime of its own, so that threads need not share one.
#[derive(Debug)]
pub struct Connection {
    runtime: Runtime,
    inner: crate::Connection,
}

impl Connection {
    /// Connects. The only error is [`Failure::Refused`].
    pub fn open(address: SocketAddr) -> Result<Self, Failure> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|_| Failure::Refused)?;
        let inner = runtime.block_on(crate::Connection::open(address))?;
        Ok(Self { runtime, inner })
    }

    /// Sends a request and reads its reply. Any [`Failure`] but `Refused`.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Reply, Failure> {
        within_limit(&self.runtime, self.inner.exchange(request))
    }

    /// Sends as much as the server takes: it may reply and close before it has read everything.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = within_limit(&self.runtime, self.inner.send(bytes));
    }

    /// Closes the sending half.
    pub fn finish_sending(&mut self) {
        self.runtime.block_on(self.inner.finish_sending());
    }

    /// Reads the next reply. Any [`Failure`] but `Refused`.
    pub fn receive(&mut self) -> Result<Reply, Failure> {
        within_limit(&self.runtime, self.inner.receive())
    }

    /// Reads the reply to a HEAD request, which has no body. Any [`Failure`] but `Refused`.
    pub fn receive_without_body(&mut self) -> Result<Reply, Failure> {
        within_limit(&self.runtime, self.inner.next_reply(false))
    }

    /// Waits until the server sends something or ends the connection: whether it ended, with nothing left to read.
    pub fn is_closed(&mut self) -> bool {
        let is_closed = self.inner.is_closed();
        within_limit(&self.runtime, async { Ok(is_closed.await) }).unwrap_or(false)
    }
}

fn within_limit<T>(
    runtime: &Runtime,
    outcome: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    runtime.block_on(async { timeout(TIME_LIMIT, outcome).await.unwrap_or(Err(Failure::TimedOut)) })
}
