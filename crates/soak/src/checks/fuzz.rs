//! Requirement 3: damaged requests never make the server crash, hang, or answer 5xx.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serve_client::requests::binary;
use serve_client::{Answer, Connection, Failure, Reply};

use super::fuzz_in_process;
use crate::mutation::{Case, damage, mutated, valid_requests};
use crate::results::Results;
use crate::setup::Setup;

/// The seed of everything that is random here.
pub(super) const SEED: u64 = 42;
/// A reply that takes longer is a hang.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(1);
/// After so many damaged requests, a valid one must get the right bits.
pub(super) const VALID_INTERVAL: usize = 1_000;
/// Callers at a time.
pub(super) const CALLERS: usize = 8;

/// What damaged requests led to.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(super) n_answered: usize,
    pub(super) n_refused: usize,
    /// Connections that the server closed without a reply, as it may if a request has no end.
    pub(super) n_closed: usize,
    /// Replies that were late once and came in time when the request was sent again.
    n_late_once: usize,
    /// Replies with 5xx.
    n_server_errors: u64,
    n_hangs: u64,
    /// The first server error or hang.
    example: Option<String>,
    n_valid: u64,
    n_valid_wrong: u64,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    fuzz_in_process::check(setup, results)?;
    let mut server = setup.start(&[])?;
    let n = setup.number(100_000, 4_000);
    let outcome = setup.runtime()?.block_on(send_damaged(setup, server.address, n, SEED))?;
    results.note("damaged requests on sockets", format!("{n}, seed {SEED}: {}", outcome.counts()));
    outcome.judge("on sockets", results);
    results.still_running("the server afterwards", &mut server);
    Ok(())
}

/// Sends damaged requests on several connections at a time.
pub(super) async fn send_damaged(
    setup: &Setup,
    address: SocketAddr,
    n: usize,
    seed: u64,
) -> anyhow::Result<Outcome> {
    let valid = valid_requests(setup)?;
    let callers = (0..CALLERS)
        .map(|caller| call(setup, address, &valid, n.div_ceil(CALLERS), caller_seed(seed, caller)));
    let mut all = Outcome::default();
    join_all(callers).await.into_iter().for_each(|outcome| all.add(outcome));
    Ok(all)
}

/// A seed for each caller.
pub(super) fn caller_seed(seed: u64, caller: usize) -> u64 {
    seed ^ (caller as u64) << 32
}

async fn call(setup: &Setup, address: SocketAddr, valid: &[Case], n: usize, seed: u64) -> Outcome {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut outcome = Outcome::default();
    let mut kept = None;
    for i in 0..n {
        if i % (VALID_INTERVAL / CALLERS) == 0 {
            let is_right =
                is_answered(setup, address, outcome.n_valid as usize % setup.test.len()).await;
            outcome.add_valid(is_right);
        }
        let mut request = mutated(valid, &mut random).request();
        // Damage to the whole may leave a request without an end.
        let may_be_endless = random.u8(..5) == 0;
        if may_be_endless {
            damage(&mut request, valid, &mut random);
        }
        send_one(address, &mut kept, &request, may_be_endless, &mut outcome).await;
    }
    outcome
}

/// Sends a damaged request. One that may have no end has its own connection, whose sending half is closed: otherwise a
/// server that waits for the rest would be right.
async fn send_one(
    address: SocketAddr,
    kept: &mut Option<Connection>,
    request: &[u8],
    may_be_endless: bool,
    outcome: &mut Outcome,
) {
    let reusable = if may_be_endless { None } else { kept.take() };
    let mut connection = match reusable {
        Some(connection) => connection,
        None => match Connection::open(address).await {
            Ok(connection) => connection,
            Err(failure) => return outcome.add_server_error(failure.to_string()),
        },
    };
    match exchange(&mut connection, request, may_be_endless).await {
        Ok(reply) => {
            outcome.add_reply(reply.status, &reply.text());
            if !reply.closes() && !may_be_endless {
                *kept = Some(connection);
            }
        }
        Err(Failure::TimedOut) => {
            // On a busy machine any reply may be late; a request that makes the server hang does so again.
            let again = match Connection::open(address).await {
                Ok(mut connection) => {
                    exchange(&mut connection, request, may_be_endless).await.err()
                }
                Err(failure) => Some(failure),
            };
            match again {
                Some(Failure::TimedOut) => outcome.add_hang(request),
                _ => outcome.n_late_once += 1,
            }
        }
        Err(_) => outcome.n_closed += 1,
    }
}

async fn exchange(
    connection: &mut Connection,
    request: &[u8],
    may_be_endless: bool,
) -> Result<Reply, Failure> {
    if !may_be_endless {
        return connection.exchange_within(TIME_LIMIT, request).await;
    }
    let reply = async {
        connection.send(request).await?;
        connection.finish_sending().await;
        connection.receive().await
    };
    tokio::time::timeout(TIME_LIMIT, reply).await.unwrap_or(Err(Failure::TimedOut))
}

/// Whether a valid request gets the right bits.
async fn is_answered(setup: &Setup, address: SocketAddr, index: usize) -> bool {
    let answer = async {
        let mut connection = Connection::open(address).await?;
        Answer::read(
            &connection.exchange_within(TIME_LIMIT, &binary(setup.test.image(index))).await?,
        )
    };
    answer.await.is_ok_and(|answer| answer.has("logits", setup.rows(index, 1).0))
}

impl Outcome {
    pub(super) fn add_reply(&mut self, status: u16, text: &str) {
        // A timeout may be damaged into a short one: then the deadline passes, and 503 is right.
        let is_deadline =
            || ["deadline", "timeout", "in time"].iter().any(|word| text.contains(word));
        match status {
            200 => self.n_answered += 1,
            500.. if !is_deadline() => self.add_server_error(format!("{status} {text:.200}")),
            _ => self.n_refused += 1,
        }
    }

    fn add_server_error(&mut self, example: String) {
        self.n_server_errors += 1;
        self.example.get_or_insert(example);
    }

    /// Counts a hang and keeps the whole request, so that it can be sent again.
    pub(super) fn add_hang(&mut self, request: &[u8]) {
        self.n_hangs += 1;
        self.example.get_or_insert(request.escape_ascii().to_string());
    }

    pub(super) fn add_valid(&mut self, is_right: bool) {
        self.n_valid += 1;
        self.n_valid_wrong += u64::from(!is_right);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.n_answered += other.n_answered;
        self.n_refused += other.n_refused;
        self.n_closed += other.n_closed;
        self.n_late_once += other.n_late_once;
        self.n_server_errors += other.n_server_errors;
        self.n_hangs += other.n_hangs;
        self.n_valid += other.n_valid;
        self.n_valid_wrong += other.n_valid_wrong;
        self.example = self.example.take().or(other.example);
    }

    /// Server errors, hangs, and valid requests with a wrong answer.
    pub(super) fn n_wrong(&self) -> u64 {
        self.n_server_errors + self.n_hangs + self.n_valid_wrong
    }

    pub(super) fn counts(&self) -> String {
        let Self { n_answered, n_refused, n_closed, n_late_once, .. } = self;
        format!(
            "{n_answered} answered, {n_refused} refused, {n_closed} closed, {n_late_once} late once"
        )
    }

    pub(super) fn judge(&self, place: &str, results: &mut Results) {
        let example = self.example.as_deref().unwrap_or("");
        results.zero(&format!("5xx for errors of clients {place}"), self.n_server_errors, example);
        results.zero(&format!("hangs over 1 s {place}"), self.n_hangs, example);
        let name = format!("valid requests in between with the right bits {place}");
        results.all_of(&name, self.n_valid, self.n_valid - self.n_valid_wrong);
    }
}
