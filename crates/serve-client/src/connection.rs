//! An HTTP/1.1 connection: any bytes out, replies in.
//!
//! Requests are bytes that were made beforehand, because tests send what no HTTP library would, and because a load
//! generator that does little work itself leaves the machine to the server.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Reply;

/// Room made for each read, in bytes.
const READ_SIZE: usize = 16 << 10;

/// Why a request has no complete reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// No connection could be made.
    #[error("connection refused")]
    Refused,
    /// The connection was reset before the first byte of a reply.
    #[error("connection reset")]
    Reset,
    /// The connection was closed before the first byte of a reply.
    #[error("connection closed")]
    Closed,
    /// The connection ended within a reply.
    #[error("truncated reply")]
    Truncated,
    /// No reply within the client's time limit.
    #[error("timed out")]
    TimedOut,
    /// The reply is not HTTP/1.x with a `Content-Length`, the only kind that `serve-lite` sends.
    #[error("malformed reply")]
    Malformed,
}

/// A connection, and what was read from it beyond the last reply.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects, with Nagle's algorithm off. The only error is [`Failure::Refused`].
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|_| Failure::Refused)?;
        stream.set_nodelay(true).map_err(|_| Failure::Refused)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request and reads its reply, with the errors of [`receive`](Self::receive). A reply that begins before
    /// everything is sent ends the sending.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Reply, Failure> {
        self.buffer.reserve(READ_SIZE);
        let (mut reader, mut writer) = self.stream.split();
        tokio::select! {
            biased;
            _ = writer.write_all(request) => {}
            _ = reader.read_buf(&mut self.buffer) => {}
        }
        self.receive().await
    }

    /// [`exchange`](Self::exchange) with a time limit, after which it fails with [`Failure::TimedOut`].
    pub async fn exchange_within(
        &mut self,
        limit: Duration,
        request: &[u8],
    ) -> Result<Reply, Failure> {
        tokio::time::timeout(limit, self.exchange(request)).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// Sends any bytes and does not wait for a reply. [`Failure::Reset`] if the server no longer takes them.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).await.map_err(|_| Failure::Reset)
    }

    /// Reads the next reply, which may be an interim one such as `100 Continue`. Any [`Failure`] but `Refused` and
    /// `TimedOut`.
    pub async fn receive(&mut self) -> Result<Reply, Failure> {
        self.next_reply(true).await
    }

    /// [`receive`](Self::receive); the reply to a HEAD request has no body whatever its headers say.
    pub async fn next_reply(&mut self, has_body: bool) -> Result<Reply, Failure> {
        loop {
            if let Some((reply, length)) = Reply::parse(&self.buffer, has_body)? {
                self.buffer.drain(..length);
                return Ok(reply);
            }
            match self.read_more().await {
                Ok(1..) => {}
                _ if !self.buffer.is_empty() => return Err(Failure::Truncated),
                Ok(0) => return Err(Failure::Closed),
                Err(_) => return Err(Failure::Reset),
            }
        }
    }

    /// Waits until the server sends something or ends the connection: whether it ended, with nothing left to read.
    pub async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !matches!(self.read_more().await, Ok(1..))
    }

    /// Waits until the server ends the connection, and ignores what it sends before.
    pub async fn wait_for_close(&mut self) {
        while !self.is_closed().await {
            self.buffer.clear();
        }
    }

    /// Closes the sending half; replies can still be read.
    pub async fn finish_sending(&mut self) {
        // If the server closed the connection first, the next read reports it.
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection with a reset, as the system may for a killed process.
    pub fn reset(self) {
        // Where this option can't be set, the connection is closed normally.
        let _ = self.stream.set_zero_linger();
    }

    /// Reads what there is into the buffer; 0 at the end of the stream.
    async fn read_more(&mut self) -> std::io::Result<usize> {
        self.buffer.reserve(READ_SIZE);
        self.stream.read_buf(&mut self.buffer).await
    }
}
