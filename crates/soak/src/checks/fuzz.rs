//! Requirement 3: damaged requests never make the server crash, hang, or answer 5xx. A million damaged bodies go to the
//! server's routes in this process, and fewer requests, damaged as a whole, to a server's socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, FromArgMatches};
use fastrand::Rng;
use hyper::Request;
use serve_client::requests::InferRequest;
use serve_client::{Connection, Failure, Reply};
use serve_lite::{ServeOptions, Service};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::client::Client;
use crate::load::ReplyCheck;
use crate::mutation::{Case, damage, mutated, valid_requests};
use crate::results::Results;
use crate::setup::Setup;

/// The seed of everything that is random here.
const SEED: u64 = 42;
/// A reply that takes longer is a hang.
const TIME_LIMIT: Duration = Duration::from_secs(1);
/// After so many damaged requests, a valid one must get the correct bits.
const VALID_INTERVAL: usize = 1_000;
/// Callers at a time.
const CALLERS: usize = 8;
/// Different valid requests in between.
const VALID: usize = 100;

/// What damaged requests led to.
#[derive(Default)]
pub(super) struct Outcome {
    n_answered: usize,
    n_refused: usize,
    /// Connections that the server closed without a reply, as it may if a request has no end.
    n_closed: usize,
    /// Replies that were late once and came in time when the request was sent again.
    n_late_once: usize,
    /// Replies with 5xx.
    n_server_errors: u64,
    n_hangs: u64,
    /// Callers that panicked, together with the server in this process.
    n_crashes: u64,
    /// The first server error or hang.
    example: Option<String>,
    n_valid: u64,
    n_valid_wrong: u64,
}

/// Where requests go.
pub(super) enum Target {
    Socket(SocketAddr),
    InProcess(Service),
}

/// What the callers share.
struct Fuzz {
    target: Target,
    /// Valid requests of every form, to be damaged.
    forms: Vec<Case>,
    /// Requests that are sent as they are, and the check of their replies.
    valid: Vec<Case>,
    check: ReplyCheck,
    outcome: Mutex<Outcome>,
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let options = ServeOptions::augment_args(clap::Command::new("serve"));
    let options = ServeOptions::from_arg_matches(&options.get_matches_from(["serve"]))?;
    let n = setup.number(1_000_000, 20_000);
    let start = Instant::now();
    let outcome = setup.block_on(async {
        let service = Service::open(&setup.model, &options)?;
        send_damaged(setup, Target::InProcess(service), n, SEED).await
    })?;
    let counts = format!("{} in {:.0} s", outcome.counts(), start.elapsed().as_secs_f64());
    results.note("damaged bodies in process", format!("{n}, seed {SEED}: {counts}"));
    results.zero("crashes in process", outcome.n_crashes, "a panic");
    outcome.judge("in process", results);

    let mut server = setup.start(&[])?;
    let n = setup.number(100_000, 4_000);
    let outcome = setup.block_on(send_damaged(setup, Target::Socket(server.address), n, SEED))?;
    results.note("damaged requests on sockets", format!("{n}, seed {SEED}: {}", outcome.counts()));
    outcome.judge("on sockets", results);
    results.still_running("the server afterwards", &mut server);
    Ok(())
}

/// Sends damaged requests by several callers at a time.
pub(super) async fn send_damaged(
    setup: &Setup,
    target: Target,
    n: usize,
    seed: u64,
) -> anyhow::Result<Outcome> {
    let valid = (0..VALID).map(|i| Case::of(&InferRequest::binary(setup.test.image(i)))).collect();
    let (forms, check) = (valid_requests(setup)?, setup.reply_check());
    let fuzz = Arc::new(Fuzz { target, forms, valid, check, outcome: Mutex::default() });
    let call = |caller| {
        let random = Rng::with_seed(seed ^ (caller as u64) << 32);
        tokio::spawn(call(fuzz.clone(), n.div_ceil(CALLERS), random))
    };
    let callers: Vec<_> = (0..CALLERS).map(call).collect();
    for caller in callers {
        // A panic ends its caller.
        if caller.await.is_err() {
            fuzz.outcome.lock().await.n_crashes += 1;
        }
    }
    Ok(std::mem::take(&mut *fuzz.outcome.lock().await))
}

async fn call(fuzz: Arc<Fuzz>, n: usize, mut random: Rng) {
    let mut client = fuzz.client();
    for i in 0..n {
        if i % (VALID_INTERVAL / CALLERS) == 0 {
            let index = i / (VALID_INTERVAL / CALLERS) % VALID;
            let case = &fuzz.valid[index];
            let reply =
                fuzz.exchange_twice(&mut fuzz.client(), case, &case.request(), false).await.0;
            let is_correct =
                reply.is_ok_and(|reply| reply.status == 200 && (fuzz.check)(index, &reply));
            let mut outcome = fuzz.outcome.lock().await;
            outcome.n_valid += 1;
            outcome.n_valid_wrong += u64::from(!is_correct);
        }
        let case = mutated(&fuzz.forms, &mut random);
        let mut bytes = case.request();
        // Damage to the whole may leave a request without an end.
        let may_be_endless = matches!(fuzz.target, Target::Socket(_)) && random.u8(..5) == 0;
        if may_be_endless {
            damage(&mut bytes, &fuzz.forms, &mut random);
        }
        let (reply, is_late) =
            fuzz.exchange_twice(&mut client, &case, &bytes, may_be_endless).await;
        let mut outcome = fuzz.outcome.lock().await;
        match reply {
            Err(Failure::TimedOut) => outcome.add_hang(&bytes),
            _ if is_late => outcome.n_late_once += 1,
            Ok(reply) => outcome.add_reply(&reply),
            Err(Failure::Refused) => outcome.add_server_error(Failure::Refused.to_string()),
            Err(_) => outcome.n_closed += 1,
        }
    }
}

impl Fuzz {
    /// A client of the server; in this process it never connects.
    fn client(&self) -> Client {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let address = if let Target::Socket(address) = self.target { address } else { nowhere };
        Client::new(address, TIME_LIMIT)
    }

    /// [`exchange`](Self::exchange), once more if the reply is late, and whether it was: on a busy machine any reply may
    /// be late, but a request that makes the server hang does so again.
    async fn exchange_twice(
        &self,
        client: &mut Client,
        case: &Case,
        bytes: &[u8],
        may_be_endless: bool,
    ) -> (Result<Reply, Failure>, bool) {
        let reply = self.exchange(client, case, bytes, may_be_endless).await;
        if reply != Err(Failure::TimedOut) {
            return (reply, false);
        }
        (self.exchange(client, case, bytes, may_be_endless).await, true)
    }

    /// The reply to a case, or on a socket to its bytes. Bytes that may have no end go out on a connection of their own,
    /// whose sending half is closed: otherwise a server that waits for the rest would be correct.
    async fn exchange(
        &self,
        client: &mut Client,
        case: &Case,
        bytes: &[u8],
        may_be_endless: bool,
    ) -> Result<Reply, Failure> {
        let reply = async {
            match &self.target {
                Target::InProcess(service) => {
                    let headers = case.headers.iter();
                    let request = headers.fold(Request::post(case.path), |request, header| {
                        request.header(&header.0, header.1.trim())
                    });
                    // Not every case is a request that hyper can represent.
                    let request = request.body(case.body.clone().into());
                    let (status, body) =
                        service.answer(request.map_err(|_| Failure::Malformed)?).await;
                    Ok(Reply { status, body, ..Reply::default() })
                }
                Target::Socket(address) if may_be_endless => {
                    let mut connection = Connection::open(*address).await?;
                    connection.send(bytes).await?;
                    connection.finish_sending().await;
                    connection.receive().await
                }
                Target::Socket(_) => client.exchange(bytes).await,
            }
        };
        timeout(TIME_LIMIT, reply).await.unwrap_or(Err(Failure::TimedOut))
    }
}

impl Outcome {
    fn add_reply(&mut self, reply: &Reply) {
        // A timeout may be damaged into a short one: then the deadline passes, and 503 is correct.
        let text = reply.text();
        let is_deadline = ["deadline", "timeout", "in time"].iter().any(|word| text.contains(word));
        match reply.status {
            200 => self.n_answered += 1,
            500.. if !is_deadline => self.add_server_error(reply.summary()),
            _ => self.n_refused += 1,
        }
    }

    fn add_server_error(&mut self, example: String) {
        self.n_server_errors += 1;
        self.example.get_or_insert(example);
    }

    /// Counts a hang and keeps the whole request, so that it can be sent again.
    fn add_hang(&mut self, request: &[u8]) {
        self.n_hangs += 1;
        self.example.get_or_insert_with(|| request.escape_ascii().to_string());
    }

    /// Server errors, hangs, and valid requests with a wrong answer.
    pub(super) fn n_wrong(&self) -> u64 {
        self.n_server_errors + self.n_hangs + self.n_valid_wrong
    }

    fn counts(&self) -> String {
        let Self { n_answered, n_refused, n_closed, n_late_once, .. } = self;
        let failed = format!("{n_closed} closed, {n_late_once} late once");
        format!("{n_answered} answered, {n_refused} refused, {failed}")
    }

    fn judge(&self, place: &str, results: &mut Results) {
        let example = self.example.as_deref().unwrap_or("");
        results.zero(&format!("5xx for errors of clients {place}"), self.n_server_errors, example);
        results.zero(&format!("hangs over 1 s {place}"), self.n_hangs, example);
        let name = format!("valid requests in between with the right bits {place}");
        results.all_of(&name, self.n_valid, self.n_valid - self.n_valid_wrong);
    }
}
