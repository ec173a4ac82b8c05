//! The model that is served, and its replacement while requests continue.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

use super::load_failures::LoadFailures;
use super::metrics::Metrics;
use super::triton::ModelCounters;
use super::{AppState, priority};
use crate::classifier::Classifier;
use crate::error::{Error, Result};
use crate::text::error_chain;

/// The most threads of loads that were given up and still run, for instance on a file system that does not answer.
const MAX_STUCK: usize = 3;

/// A version of the model.
pub(crate) struct Model {
    pub(crate) classifier: Classifier,
    /// The number of the version, from 1.
    pub(crate) version: u64,
    /// `version` as the protocol writes it.
    pub(crate) version_text: String,
    pub(crate) counters: Arc<ModelCounters>,
}

/// The model file, and the model that was loaded from it last.
///
/// A new model is loaded and run completely before it replaces the old one, in one step: requests that arrived before
/// are computed by the old model, later ones by the new one. One model is loaded at a time, by a thread of its own, so
/// that no number of loads takes a thread from requests.
pub(crate) struct Models {
    path: PathBuf,
    current: RwLock<Arc<Model>>,
    /// The stamp of the file when it was last read.
    seen: Arc<Mutex<Option<FileStamp>>>,
    /// Reloads that have begun.
    begun: AtomicU64,
    /// The last reload that ended; locked while one is under way.
    last: Arc<AsyncMutex<Reload>>,
    /// Why the file is not what serves, after a reload that failed.
    problem: Mutex<Option<String>>,
    failures: Mutex<LoadFailures>,
    /// Loads that were given up and still run.
    n_stuck: Arc<AtomicUsize>,
}

/// A reload: its number, counted from 1, and the version that then served or why it failed.
struct Reload {
    number: u64,
    outcome: Outcome<u64>,
}

/// The error is the reason, as text.
type Outcome<T> = std::result::Result<T, String>;

/// Changes when a file is replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Models {
    /// Loads the first model.
    pub(crate) fn open(path: PathBuf, metrics: &Metrics) -> Result<Self> {
        let seen = stamp(&path);
        let classifier = loader()?.install(|| Classifier::load(&path))?;
        let model = Model::new(classifier, 1, metrics);
        Ok(Self {
            path,
            current: RwLock::new(Arc::new(model)),
            seen: Arc::new(Mutex::new(seen)),
            begun: AtomicU64::new(0),
            last: Arc::new(AsyncMutex::new(Reload { number: 0, outcome: Ok(1) })),
            problem: Mutex::default(),
            failures: Mutex::default(),
            n_stuck: Arc::default(),
        })
    }

    /// The model for requests that arrive now.
    pub(crate) fn current(&self) -> Arc<Model> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why the file is not what serves, after a reload that failed.
    pub(crate) fn problem(&self) -> Option<String> {
        lock(&self.problem).clone()
    }

    /// Whether the file has changed since it was last read. A missing file has not: it is about to be replaced. Blocks
    /// as long as the file system does.
    pub(crate) fn file_has_changed(&self) -> bool {
        let now = stamp(&self.path);
        now.is_some() && now != *lock(&self.seen)
    }

    /// Loads the file on a thread of its own, for at most `limit`, and serves its model if it is valid.
    async fn load(&self, metrics: &Metrics, limit: Duration) -> Outcome<u64> {
        let outcome = match self.start_loading() {
            Err(reason) => Err(reason),
            Ok(loaded) => self.wait_for(loaded, limit).await,
        };
        let (version, problem) = match outcome {
            Ok(classifier) => {
                let version = self.current().version + 1;
                let model = Arc::new(Model::new(classifier, version, metrics));
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = model;
                let unlogged_failures = lock(&self.failures).end();
                tracing::info!(version, unlogged_failures, "the model was reloaded");
                (version, None)
            }
            Err(reason) => {
                metrics.load_failed();
                let version = self.current().version;
                if let Some(more) = lock(&self.failures).add(&reason, Instant::now()) {
                    let message = "the model was not reloaded";
                    tracing::error!(serving = version, reason, unlogged_failures = more, message);
                }
                (version, Some(reason))
            }
        };
        lock(&self.problem).clone_from(&problem);
        problem.map_or(Ok(version), Err)
    }

    /// Starts the thread that loads the file. It cannot be interrupted: a load that is given up keeps its thread.
    fn start_loading(&self) -> Outcome<oneshot::Receiver<Outcome<Classifier>>> {
        if self.n_stuck.load(Ordering::SeqCst) >= MAX_STUCK {
            return Err("earlier loads were given up and still run: restart the server".into());
        }
        let (path, seen, n_stuck) =
            (self.path.clone(), Arc::clone(&self.seen), Arc::clone(&self.n_stuck));
        let (sender, receiver) = oneshot::channel();
        let load = move || {
            priority::set_idle_policy();
            let now = stamp(&path);
            *lock(&seen) = now;
            let loaded = Classifier::load(&path).map_err(|error| error_chain(&error));
            if sender.send(loaded).is_err() {
                n_stuck.fetch_sub(1, Ordering::SeqCst);
            }
        };
        loader().map_err(|error| error.to_string())?.spawn(load);
        Ok(receiver)
    }

    /// Waits for a loading thread, and gives it up after `limit`.
    async fn wait_for(
        &self,
        mut loaded: oneshot::Receiver<Outcome<Classifier>>,
        limit: Duration,
    ) -> Outcome<Classifier> {
        let lost = |_| Err("the thread that loads models ended unexpectedly".into());
        if let Ok(loaded) = tokio::time::timeout(limit, &mut loaded).await {
            return loaded.unwrap_or_else(lost);
        }
        // The thread may be done at this moment; from here on it learns that it was given up, and counts itself out.
        self.n_stuck.fetch_add(1, Ordering::SeqCst);
        loaded.close();
        match loaded.try_recv() {
            Ok(loaded) => {
                self.n_stuck.fetch_sub(1, Ordering::SeqCst);
                loaded
            }
            Err(_) => Err(format!("the load was given up after {} s", limit.as_secs_f64())),
        }
    }
}

/// Reads the file again and serves its model if it is valid; the outcome is logged and counted.
///
/// Reloads that are requested while one is under way all wait for one more, which reads the file as it is after their
/// requests. So any number of requests costs two loads, and each gets a truthful answer.
pub(crate) async fn reload(state: &Arc<AppState>) -> Outcome<u64> {
    let begun_before = state.models.begun.load(Ordering::SeqCst);
    let mut last = Arc::clone(&state.models.last).lock_owned().await;
    if last.number > begun_before {
        return last.outcome.clone();
    }
    // A task of its own, which holds the lock: a client that leaves neither ends a load nor lets another begin.
    let state = Arc::clone(state);
    let reload = tokio::spawn(async move {
        last.number = state.models.begun.fetch_add(1, Ordering::SeqCst) + 1;
        last.outcome = state.models.load(&state.metrics, state.options.load_timeout).await;
        last.outcome.clone()
    });
    reload.await.unwrap_or_else(|_| Err("the task that loads models ended unexpectedly".into()))
}

impl Model {
    fn new(classifier: Classifier, version: u64, metrics: &Metrics) -> Self {
        let counters = metrics.loaded(version);
        Self { classifier, version, version_text: version.to_string(), counters }
    }
}

/// A pool for one load: one thread, so that loading does not take all cores from requests, which ends with the load.
fn loader() -> Result<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "loader".into());
    // A panic drops the load's sender, which fails the load.
    let pool = pool.panic_handler(|_| {}).build();
    pool.map_err(|error| Error::Threads { reason: error.to_string() })
}

/// A poisoned lock is used anyway: nothing that holds one of these can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stamp(path: &Path) -> Option<FileStamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let (modified, length) = (metadata.modified().ok(), metadata.len());
    Some(FileStamp { modified, length, inode: inode(&metadata) })
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
