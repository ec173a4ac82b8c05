//! HTTP/1.1 as a client speaks it, by hand: requests are bytes made beforehand, and a reply is read
//! with as little work as tells where it ends.
//!
//! A client that costs little leaves the machine to the server, and one that writes its own bytes
//! can send what no library would.

use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

/// The largest piece that is read at once.
const PIECE: usize = 16 << 10;

/// Why a request has no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// No connection was made.
    Refused,
    /// The connection was reset before the first byte of an answer.
    Reset,
    /// The connection ended in good order before the first byte of an answer.
    Closed,
    /// The connection ended within an answer.
    CutOff,
    /// No answer within the client's patience.
    Late,
    /// What came is no reply that this client reads: HTTP/1.1 with a length.
    Malformed,
}

/// A connection and what has been read of it.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that belong to the reply handed out last.
    used: usize,
}

/// A whole reply.
#[derive(Debug)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    pub(super) head: &'a str,
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|_| Failure::Refused)?;
        stream.set_nodelay(true).map_err(|_| Failure::Refused)?;
        Ok(Self { stream, buffer: Vec::with_capacity(PIECE), used: 0 })
    }

    /// Sends a request and reads its reply; an answer that begins before all is sent ends the sending.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Reply<'_>, Failure> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let mut rest = request;
        while !rest.is_empty() && self.buffer.is_empty() {
            let both = Interest::READABLE | Interest::WRITABLE;
            let ready = self.stream.ready(both).await.map_err(|_| Failure::Reset)?;
            if ready.is_readable() && self.read().map_or(true, |n| n == Some(0)) {
                break;
            }
            match self.stream.try_write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        self.receive().await
    }

    /// [`exchange`](Self::exchange) with a limit on its time.
    pub(super) async fn exchange_within(
        &mut self,
        limit: Duration,
        request: &[u8],
    ) -> Result<Reply<'_>, Failure> {
        tokio::time::timeout(limit, self.exchange(request)).await.unwrap_or(Err(Failure::Late))
    }

    /// Sends bytes, whatever they are, and waits for nothing.
    pub(super) async fn send(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut rest = bytes;
        while !rest.is_empty() {
            self.stream.writable().await.map_err(|_| Failure::Reset)?;
            match self.stream.try_write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(Failure::Reset),
            }
        }
        Ok(())
    }

    /// Reads the reply to what was sent; interim ones (100 Continue) are passed over.
    pub(super) async fn receive(&mut self) -> Result<Reply<'_>, Failure> {
        loop {
            if let Some((status, head, total)) = measure(&self.buffer)? {
                if (100..200).contains(&status) {
                    self.buffer.drain(..total);
                    continue;
                }
                if self.buffer.len() >= total {
                    self.used = total;
                    let text = std::str::from_utf8(&self.buffer[..head]);
                    let text = text.map_err(|_| Failure::Malformed)?;
                    return Ok(Reply { status, head: text, body: &self.buffer[head..total] });
                }
            }
            let has_begun = !self.buffer.is_empty();
            self.stream.readable().await.map_err(|_| Failure::Reset)?;
            match self.read() {
                Ok(Some(0)) if has_begun => return Err(Failure::CutOff),
                Ok(Some(0)) => return Err(Failure::Closed),
                Err(_) if has_begun => return Err(Failure::CutOff),
                Err(_) => return Err(Failure::Reset),
                Ok(_) => {}
            }
        }
    }

    /// Waits until the other side ends the connection, whatever it sends before.
    pub(super) async fn ended(&mut self) {
        loop {
            self.buffer.clear();
            if self.stream.readable().await.is_err() || !matches!(self.read(), Ok(None | Some(1..)))
            {
                return;
            }
        }
    }

    /// Says that nothing more will be sent, and still reads.
    pub(super) async fn finish_sending(&mut self) {
        // That the other side has gone already is what the next read will say.
        let _ = poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await;
    }

    /// Ends the connection with a reset, as a process that is killed may.
    pub(super) fn kill(self) {
        // Where this fails the connection ends in good order.
        let _ = self.stream.set_zero_linger();
    }

    /// Reads what there is; `None` where there is nothing yet, 0 at the end.
    fn read(&mut self) -> Result<Option<usize>, Error> {
        let length = self.buffer.len();
        self.buffer.resize(length + PIECE, 0);
        let result = self.stream.try_read(&mut self.buffer[length..]);
        self.buffer.truncate(length + result.as_ref().map_or(0, |&n| n));
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        }
    }
}

impl Reply<'_> {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// Whether the server will close the connection.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The body as text, for a message.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body[..self.body.len().min(200)]).into_owned()
    }
}

/// Status, bytes of the head and bytes of the whole reply, once the head is there.
fn measure(buffer: &[u8]) -> Result<Option<(u16, usize, usize)>, Failure> {
    let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&buffer[..end]).map_err(|_| Failure::Malformed)?;
    let status = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok()).ok_or(Failure::Malformed)?;
    let has_body = !(100..200).contains(&status) && status != 204 && status != 304;
    let length = match header(head, "content-length") {
        Some(length) => length.parse().map_err(|_| Failure::Malformed)?,
        None if has_body => return Err(Failure::Malformed),
        None => 0,
    };
    Ok(Some((status, end + 4, end + 4 + length)))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let pairs = head.split("\r\n").filter_map(|line| line.split_once(':'));
    pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reply_is_measured_once_its_head_is_there() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabcHTTP";
        for cut in 0..40 {
            assert_eq!(measure(&reply[..cut]).unwrap(), None, "{cut}");
        }
        let head = reply.len() - 7;
        assert_eq!(measure(reply).unwrap(), Some((200, head, head + 3)));
        assert_eq!(measure(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap(), Some((100, 25, 25)));
        assert_eq!(measure(b"HTTP/1.1 200 OK\r\n\r\n"), Err(Failure::Malformed));
        assert_eq!(measure(b"SSH-2.0\r\n\r\n"), Err(Failure::Malformed));
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let head = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nconnection:close\r\n\r\n";
        let reply = Reply { status: 503, head, body: b"" };
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(reply.closes());
        assert_eq!(reply.header("after"), None);
    }
}
