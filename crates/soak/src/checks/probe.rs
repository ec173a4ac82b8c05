//! Asks a server for the status of a path, again and again on one connection.

use std::net::SocketAddr;
use std::time::Duration;

use serve_client::requests::get;
use serve_client::{Connection, Failure};

/// How long a reply may take.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// A connection that is kept as long as the server keeps it.
pub(super) struct Probe {
    address: SocketAddr,
    kept: Option<Connection>,
}

impl Probe {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, kept: None }
    }

    /// The status of a GET of a path.
    pub(super) async fn status(&mut self, path: &str) -> Result<u16, Failure> {
        let mut connection = match self.kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let reply = connection.exchange_within(TIME_LIMIT, &get(path)).await?;
        if !reply.closes() {
            self.kept = Some(connection);
        }
        Ok(reply.status)
    }
}
