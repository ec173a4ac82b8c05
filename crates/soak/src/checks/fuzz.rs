//! Requirement 3: damaged requests never bring the server down, hold it up, or make it blame itself.

use std::net::SocketAddr;
use std::time::Duration;

use super::bench::Bench;
use super::findings::Findings;
use super::http::{Connection, Failure, Reply};
use super::load;
use super::mutate::{damage, mutated, seeds};
use super::random::Random;
use super::requests::{Answer, Infer};
use super::server::Server;

/// The seed of everything that is random here.
pub(super) const SEED: u64 = 42;
/// The longest that an answer may take.
pub(super) const HANG: Duration = Duration::from_secs(1);
/// After so many damaged requests a good one must be answered with the right bits.
pub(super) const GOLDEN: usize = 1_000;
/// Callers at once.
pub(super) const CALLERS: usize = 8;

/// What damaged requests led to.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) answers: usize,
    pub(super) refusals: usize,
    /// Connections that the server closed without an answer, as it may where a request has no end.
    pub(super) closed: usize,
    /// Answers that were late once and came in time when the request was sent again.
    stalls: usize,
    /// Answers that blame the server, and one of them.
    pub(super) blames: u64,
    pub(super) hangs: u64,
    example: Option<String>,
    pub(super) golden: u64,
    pub(super) golden_wrong: u64,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    super::handler::check(bench, findings)?;
    let mut server = Server::start(bench, &[])?;
    let n = bench.number(100_000, 4_000);
    let outcome = bench.runtime()?.block_on(damaged(bench, server.address, n, SEED))?;
    findings.note("damaged requests on sockets", format!("{n}, seed {SEED}: {}", outcome.counts()));
    outcome.judge("on sockets", findings);
    findings.alive("the server after them", &mut server);
    Ok(())
}

/// Sends damaged requests on several connections at once.
pub(super) async fn damaged(
    bench: &Bench,
    address: SocketAddr,
    n: usize,
    seed: u64,
) -> anyhow::Result<Outcome> {
    let seeds = seeds(bench)?;
    let callers = (0..CALLERS).map(|caller| {
        let mut random = Random::new(seed ^ (caller as u64) << 32);
        let seeds = &seeds;
        async move {
            let mut outcome = Outcome::default();
            let mut kept = None;
            for i in 0..n.div_ceil(CALLERS) {
                if i % (GOLDEN / CALLERS) == 0 {
                    golden(bench, address, &mut outcome).await;
                }
                let mut request = mutated(seeds, &mut random).request();
                let is_torn = random.below(5) == 0;
                if is_torn {
                    damage(&mut request, seeds, &mut random);
                }
                one(address, &mut kept, &request, is_torn, &mut outcome).await;
            }
            outcome
        }
    });
    let mut all = Outcome::default();
    for outcome in load::together(callers).await {
        all.add(outcome);
    }
    Ok(all)
}

/// Sends a damaged request. One whose frame may be torn has its own connection, and says that no
/// more will come: else a server that waits for the rest would be right.
async fn one(
    address: SocketAddr,
    kept: &mut Option<Connection>,
    request: &[u8],
    is_torn: bool,
    outcome: &mut Outcome,
) {
    let kept_one = if is_torn { None } else { kept.take() };
    let mut connection = match kept_one {
        Some(connection) => connection,
        None => match Connection::open(address).await {
            Ok(connection) => connection,
            Err(_) => return outcome.blame("no connection".to_owned()),
        },
    };
    match attempt(&mut connection, request, is_torn).await {
        // A deadline that was damaged into a short one passes, and 503 says so.
        Ok(reply) if reply.status >= 500 && !is_deadline(&reply.text()) => {
            outcome.blame(format!("{} {}", reply.status, reply.text()));
        }
        Ok(reply) => {
            outcome.answers += usize::from(reply.status == 200);
            outcome.refusals += usize::from(reply.status != 200);
            if !reply.closes() && !is_torn {
                *kept = Some(connection);
            }
        }
        Err(Failure::Late) => {
            // A machine that stands still makes any request late; one that hangs does so again.
            let again = match Connection::open(address).await {
                Ok(mut connection) => attempt(&mut connection, request, is_torn).await.err(),
                Err(failure) => Some(failure),
            };
            match again {
                Some(Failure::Late) => outcome.hang(request),
                _ => outcome.stalls += 1,
            }
        }
        // A connection kept from before may have been closed at its turn.
        Err(_) => outcome.closed += 1,
    }
}

async fn attempt<'a>(
    connection: &'a mut Connection,
    request: &[u8],
    is_torn: bool,
) -> Result<Reply<'a>, Failure> {
    if !is_torn {
        return connection.exchange_within(HANG, request).await;
    }
    let answer = async {
        connection.send(request).await?;
        connection.finish_sending().await;
        connection.receive().await
    };
    tokio::time::timeout(HANG, answer).await.unwrap_or(Err(Failure::Late))
}

pub(super) fn is_deadline(text: &str) -> bool {
    text.contains("deadline") || text.contains("timeout") || text.contains("in time")
}

/// A good request must still be answered with the right bits.
async fn golden(bench: &Bench, address: SocketAddr, outcome: &mut Outcome) {
    let index = outcome.golden as usize % bench.test.len();
    let request = Infer::binary(bench.test.image(index)).request();
    outcome.golden += 1;
    let right = async {
        let mut connection = Connection::open(address).await.ok()?;
        let reply = connection.exchange_within(HANG, &request).await.ok()?;
        let answer = Answer::read(&reply).ok()?;
        answer.is("logits", bench.rows(index, 1).0).then_some(())
    };
    outcome.golden_wrong += u64::from(right.await.is_none());
}

impl Outcome {
    pub(super) fn blame(&mut self, example: String) {
        self.blames += 1;
        self.example.get_or_insert(example);
    }

    /// The request, in full and so that it can be sent again, is worth more than any message.
    pub(super) fn hang(&mut self, request: &[u8]) {
        self.hangs += 1;
        self.example.get_or_insert(request.escape_ascii().to_string());
    }

    pub(super) fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.refusals += other.refusals;
        self.closed += other.closed;
        self.stalls += other.stalls;
        self.blames += other.blames;
        self.hangs += other.hangs;
        self.golden += other.golden;
        self.golden_wrong += other.golden_wrong;
        self.example = self.example.take().or(other.example);
    }

    pub(super) fn counts(&self) -> String {
        let Self { answers, refusals, closed, stalls, .. } = self;
        let stalls = match stalls {
            0 => String::new(),
            n => format!(", {n} late once and not when sent again"),
        };
        format!("{answers} answered, {refusals} refused, {closed} closed{stalls}")
    }

    pub(super) fn judge(&self, place: &str, findings: &mut Findings) {
        let example = self.example.as_deref().unwrap_or("");
        findings.none(&format!("5xx for a client's fault {place}"), self.blames, example);
        findings.none(&format!("hangs over 1 s {place}"), self.hangs, example);
        let name = format!("good requests in between with the right bits {place}");
        let right = self.golden - self.golden_wrong;
        findings.hold(
            &name,
            &format!("{} of {}", self.golden, self.golden),
            format!("{right} of {}", self.golden),
            self.golden_wrong == 0,
        );
    }
}
