//! What Ctrl-C and SIGTERM do.
//!
//! Files appear whole or not at all, so a command may end at any time. Training ends by itself, after a step, so that
//! nothing is lost; a second signal ends it at once too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;

use crate::{console, progress};

/// Exit code of a program that Ctrl-C ended, as shells report it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// How long the notice may take where nobody reads standard error.
const PATIENCE: Duration = Duration::from_millis(300);

/// Set by the first signal.
static STOP: AtomicBool = AtomicBool::new(false);
/// Whether something looks at [`STOP`] and ends by itself.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);
/// The command that goes on where this one ends.
static REMEDY: Mutex<Option<String>> = Mutex::new(None);

/// Something looks at the flag and ends by itself, until this is dropped.
pub(crate) struct Watched;

/// Listens for the signals from now on.
pub(crate) fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        let was_set = STOP.swap(true, Ordering::SeqCst);
        if was_set || !IS_WATCHED.load(Ordering::SeqCst) {
            let (done, printed) = channel();
            std::thread::spawn(move || {
                notice();
                // Nobody waits any more where printing took too long.
                let _ = done.send(());
            });
            let _ = printed.recv_timeout(PATIENCE);
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot listen for Ctrl-C")
}

/// The flag that the first signal sets, for whoever holds a [`Watched`].
pub(crate) fn stop() -> &'static AtomicBool {
    &STOP
}

/// Says that the command was interrupted, and how to go on.
pub(crate) fn notice() {
    // The progress line is not removed by a process that ends here.
    progress::erase();
    let remedy = REMEDY.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let remedy = remedy.map_or(String::new(), |command| format!("; go on with `{command}`"));
    console::notice(&format!("interrupted{remedy}"));
}

/// Remembers the command that goes on where this one ends.
pub(crate) fn set_remedy(command: String) {
    *REMEDY.lock().unwrap_or_else(PoisonError::into_inner) = Some(command);
}

impl Watched {
    pub(crate) fn new() -> Self {
        IS_WATCHED.store(true, Ordering::SeqCst);
        Self
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        IS_WATCHED.store(false, Ordering::SeqCst);
    }
}
