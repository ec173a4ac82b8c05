//! A client that keeps its connection as long as the server does.

use std::net::SocketAddr;
use std::time::Duration;

use serve_client::requests::get;
use serve_client::{Connection, Failure, Reply};

/// Opens connections, gets the liveness probe on each, and holds them: the connections, and the replies.
pub(crate) async fn hold(
    address: SocketAddr,
    n: usize,
    patience: Duration,
) -> (Vec<Connection>, Vec<Result<Reply, Failure>>) {
    let (mut held, mut replies) = (Vec::new(), Vec::new());
    for _ in 0..n {
        // The system accepts connections that the server cannot.
        let Ok(mut connection) = Connection::open(address).await else { continue };
        replies.push(connection.exchange_within(patience, &get("/v2/health/live")).await);
        held.push(connection);
    }
    (held, replies)
}

/// A server's address, and a connection if one is open.
pub(crate) struct Client {
    address: SocketAddr,
    /// How long it waits for a reply.
    patience: Duration,
    kept: Option<Connection>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, kept: None }
    }

    /// Whether the next request goes out on a connection that is open already.
    pub(crate) fn is_connected(&self) -> bool {
        self.kept.is_some()
    }

    /// Sends a request, on a new connection after a failure or where the server closes the last one. Any [`Failure`];
    /// `Refused` if there is no connection.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Reply, Failure> {
        let mut connection = match self.kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let reply = connection.exchange_within(self.patience, request).await?;
        if !reply.closes() {
            self.kept = Some(connection);
        }
        Ok(reply)
    }

    /// The status of the reply to a GET.
    pub(crate) async fn status(&mut self, path: &str) -> Result<u16, Failure> {
        Ok(self.exchange(&get(path)).await?.status)
    }
}
