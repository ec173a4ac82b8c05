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
        self.runtime.block_on(self.inner.exchange_within(TIME_LIMIT, request))
    }

    /// Sends as much as the server takes: it may reply and close before it has read everything.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.runtime.block_on(async { timeout(TIME_LIMIT, self.inner.send(bytes)).await });
    }

    /// Closes the sending half.
    pub fn finish_sending(&mut self) {
        self.runtime.block_on(self.inner.finish_sending());
    }

    /// Reads the next reply. Any [`Failure`] but `Refused`.
    pub fn receive(&mut self) -> Result<Reply, Failure> {
        let reply =
            self.runtime.block_on(async { timeout(TIME_LIMIT, self.inner.receive()).await });
        reply.unwrap_or(Err(Failure::TimedOut))
    }

    /// Reads the reply to a HEAD request, which has no body. Any [`Failure`] but `Refused`.
    pub fn receive_without_body(&mut self) -> Result<Reply, Failure> {
        let reply = self
            .runtime
            .block_on(async { timeout(TIME_LIMIT, self.inner.receive_without_body()).await });
        reply.unwrap_or(Err(Failure::TimedOut))
    }

    /// Waits until the server sends something or ends the connection: whether it ended, with nothing left to read.
    pub fn is_closed(&mut self) -> bool {
        self.runtime
            .block_on(async { timeout(TIME_LIMIT, self.inner.is_closed()).await.unwrap_or(false) })
    }
}
