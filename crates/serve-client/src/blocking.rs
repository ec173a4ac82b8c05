//! [`Connection`](crate::Connection) for code that is not async. Every call ends within [`TIME_LIMIT`].

use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::{Failure, Reply};

/// Far longer than any reply takes: a test that waits this long has failed.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A connection with a runtime of its own, so that threads need not share one.
#[derive(Debug)]
pub struct Connection {
    runtime: Runtime,
    connection: crate::Connection,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// [`Failure::Refused`] where that fails.
    pub fn open(address: SocketAddr) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| Failure::Refused)?;
        let connection = runtime.block_on(crate::Connection::open(address))?;
        Ok(Self { runtime, connection })
    }

    /// Sends a request and reads its reply.
    ///
    /// # Errors
    /// Any [`Failure`] but `Refused`.
    pub fn exchange(&mut self, request: &[u8]) -> Result<Reply, Failure> {
        self.runtime.block_on(self.connection.exchange_within(TIME_LIMIT, request))
    }

    /// Sends as much as the server takes: it may reply and close before it has read everything.
    pub fn send(&mut self, bytes: &[u8]) {
        let sending = self.connection.send(bytes);
        let _ = self.runtime.block_on(async { tokio::time::timeout(TIME_LIMIT, sending).await });
    }

    /// Closes the sending half.
    pub fn finish_sending(&mut self) {
        self.runtime.block_on(self.connection.finish_sending());
    }

    /// Reads the next reply.
    ///
    /// # Errors
    /// Any [`Failure`] but `Refused`.
    pub fn receive(&mut self) -> Result<Reply, Failure> {
        let reply = self.connection.receive();
        self.runtime.block_on(async {
            tokio::time::timeout(TIME_LIMIT, reply).await.unwrap_or(Err(Failure::TimedOut))
        })
    }

    /// Reads the reply to a HEAD request, which has no body.
    ///
    /// # Errors
    /// Any [`Failure`] but `Refused`.
    pub fn receive_without_body(&mut self) -> Result<Reply, Failure> {
        let reply = self.connection.receive_without_body();
        self.runtime.block_on(async {
            tokio::time::timeout(TIME_LIMIT, reply).await.unwrap_or(Err(Failure::TimedOut))
        })
    }

    /// Waits until the server sends something or ends the connection: whether it ended, with nothing left to read.
    pub fn is_closed(&mut self) -> bool {
        let closed = self.connection.is_closed();
        self.runtime
            .block_on(async { tokio::time::timeout(TIME_LIMIT, closed).await.unwrap_or(false) })
    }
}
