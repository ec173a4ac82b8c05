//! A page on this machine that shows a run while it trains.
//!
//! The program itself answers, on threads of its own that read what training reports; they draw no random numbers and share
//! nothing with it but this record, so the result is the same. They end with the program.

mod request;

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use pipeline::Session;
use run::{Config, DatasetFacts, EpochMetrics};
use train::Event;

use request::Answer;

/// Connections that are answered at a time; more are closed.
const MOST_CONNECTIONS: usize = 16;
/// How long a reply may take to be sent.
const SENDING: Duration = Duration::from_secs(5);

/// A port that is taken, and not yet answered.
pub(crate) struct Live {
    listener: TcpListener,
    address: SocketAddr,
}

/// A page that is served.
pub(crate) struct Served {
    address: SocketAddr,
    shown: Arc<Shown>,
}

/// What the page shows.
struct Shown {
    run_name: String,
    config: Config,
    facts: DatasetFacts,
    now: Mutex<Now>,
}

struct Now {
    metrics: Vec<EpochMetrics>,
    status: String,
}

impl Live {
    /// Takes a port of this machine that no other machine can reach; 0 takes a free one.
    pub(crate) fn bind(port: u16) -> anyhow::Result<Self> {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = taken.map_err(|error| {
            let remedy = match error.kind() {
                ErrorKind::AddrInUse => {
                    "another program uses it: give --live another port, or 0 for a free one"
                }
                ErrorKind::PermissionDenied => {
                    "give --live a port from 1024 on, or 0 for a free one"
                }
                _ => "give --live another port, or 0 for a free one",
            };
            anyhow::Error::new(error).context(format!("port {port} cannot be used: {remedy}"))
        })?;
        let address = listener.local_addr().context("the port of --live is not known")?;
        Ok(Self { listener, address })
    }

    /// Serves the page of a run from now on; `metrics` are those of the epochs that are finished already.
    pub(crate) fn serve(self, session: &Session, metrics: Vec<EpochMetrics>) -> Served {
        let Self { listener, address } = self;
        let shown = Arc::new(Shown {
            run_name: session.run.name(),
            config: session.config.clone(),
            facts: session.facts.clone(),
            now: Mutex::new(Now { metrics, status: "Training begins.".to_owned() }),
        });
        let shared = Arc::clone(&shown);
        std::thread::spawn(move || accept(&listener, address, &shared));
        Served { address, shown }
    }
}

impl Served {
    /// Where the page is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Takes an event of training into the page.
    pub(crate) fn show(&self, event: &Event) {
        let n_epochs = self.shown.config.training.epochs;
        let mut now = self.shown.now();
        match *event {
            Event::Step { epoch, step, n_steps, loss, accuracy } => {
                now.status = format!(
                    "Epoch {epoch} of {n_epochs}, step {step} of {n_steps}: loss {loss:.4}, accuracy {:.2} %.",
                    accuracy * 100.0
                );
            }
            Event::Validation { epoch, done, total } => {
                now.status =
                    format!("Epoch {epoch} of {n_epochs}: {done} of {total} validation images.");
            }
            Event::Epoch { metrics, .. } => now.metrics.push(metrics.clone()),
        }
    }

    /// Says what goes on.
    pub(crate) fn say(&self, status: &str) {
        status.clone_into(&mut self.shown.now().status);
    }
}

impl Shown {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metrics and the status, copied so that training never waits for a drawing.
    fn copied(&self) -> (Vec<EpochMetrics>, String) {
        let now = self.now();
        (now.metrics.clone(), now.status.clone())
    }
}

/// Answers every connection on a thread of its own.
fn accept(listener: &TcpListener, address: SocketAddr, shown: &Arc<Shown>) {
    let open = Arc::new(AtomicUsize::new(0));
    for connection in listener.incoming() {
        let Ok(connection) = connection else {
            // Such as too many open files, which passes.
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        if open.fetch_add(1, Ordering::SeqCst) >= MOST_CONNECTIONS {
            open.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let (shown, one) = (Arc::clone(shown), Arc::clone(&open));
        let spawned = std::thread::Builder::new().name("live".to_owned()).spawn(move || {
            // A browser that went away is no concern of training.
            let _ = answer(connection, address.port(), &shown);
            one.fetch_sub(1, Ordering::SeqCst);
        });
        if spawned.is_err() {
            open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn answer(mut connection: TcpStream, port: u16, shown: &Shown) -> std::io::Result<()> {
    connection.set_write_timeout(Some(SENDING))?;
    let (status, kind, body) = match request::read(&mut connection, port)? {
        Answer::Page => {
            let (metrics, status) = shown.copied();
            let of = (&shown.config, &shown.facts);
            let page = pipeline::live_page(&shown.run_name, of, &metrics, &status);
            ("200 OK", "text/html; charset=utf-8", page.into_bytes())
        }
        Answer::Curves => {
            let (metrics, _) = shown.copied();
            match pipeline::curves_svg(&shown.run_name, (&shown.config, &shown.facts), &metrics) {
                Ok(svg) => ("200 OK", "image/svg+xml", svg),
                Err(error) => {
                    ("404 Not Found", "text/plain; charset=utf-8", error.to_string().into())
                }
            }
        }
        Answer::Refused(status) => (status, "text/plain; charset=utf-8", status.into()),
    };
    // A page is never framed or read by another site, and loads nothing from elsewhere.
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; connect-src 'self'; img-src data:; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes())?;
    connection.write_all(&body)?;
    connection.flush()
}
