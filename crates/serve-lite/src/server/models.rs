//! The model that is served, and how another takes its place while requests go on.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::metrics::Metrics;
use super::priority;
use super::triton::ModelCounters;
use crate::classifier::Classifier;
use crate::error::{Error, Result};

/// A version of the model.
pub(crate) struct Model {
    pub(crate) classifier: Classifier,
    /// [`Models`] counts them from 1.
    pub(crate) version: u64,
    /// The same as the protocol has it.
    pub(crate) version_text: String,
    pub(crate) counters: Arc<ModelCounters>,
}

/// The file that models come from, and the model that came last.
///
/// A model is complete and has been run before it takes its predecessor's place, and it takes it at
/// once: requests that came before are computed with the old one, later ones with the new one.
pub(crate) struct Models {
    pub(crate) path: PathBuf,
    current: RwLock<Arc<Model>>,
    /// What the file looked like when it was last read; held while it is read, so that two readers
    /// do not race.
    seen: Mutex<Option<Stamp>>,
    /// One thread: a model that is being made ready must not take all cores from those who serve.
    loader: ThreadPool,
}

/// What changes when a file is replaced or written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Models {
    /// Reads the first model.
    pub(crate) fn open(path: PathBuf, metrics: &Metrics) -> Result<Self> {
        let loader = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "loader".into());
        let loader =
            loader.build().map_err(|error| Error::Threads { reason: error.to_string() })?;
        let seen = stamp(&path);
        let classifier = loader.install(|| Classifier::load(&path))?;
        let model = Model::new(classifier, 1, metrics);
        Ok(Self { path, current: RwLock::new(Arc::new(model)), seen: Mutex::new(seen), loader })
    }

    /// The model that serves from here on.
    pub(crate) fn current(&self) -> Arc<Model> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again, and serves what it holds if that is sound; blocks for as long as it
    /// takes. Whatever happened is logged and counted.
    pub(crate) fn reload(&self, metrics: &Metrics) -> Result<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = stamp(&self.path);
        let load = || {
            // Not for the first model, which everybody waits for.
            priority::idle();
            Classifier::load(&self.path)
        };
        match self.loader.install(load) {
            Ok(classifier) => {
                let version = self.current().version + 1;
                let model = Arc::new(Model::new(classifier, version, metrics));
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = model;
                tracing::info!(version, "the model was reloaded");
                Ok(version)
            }
            Err(error) => {
                metrics.load_failed();
                let version = self.current().version;
                let reason = crate::predict::reasons(&error);
                tracing::error!(serving = version, reason, "the model was not reloaded");
                Err(error)
            }
        }
    }

    /// [`reload`](Self::reload), if the file is not as it was when it was last read.
    ///
    /// A file that is missing for a moment is not read: whoever replaces it is not done.
    pub(crate) fn reload_if_changed(&self, metrics: &Metrics) {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.path);
        if now.is_some() && now != seen {
            let _ = self.reload(metrics);
        }
    }
}

impl Model {
    fn new(classifier: Classifier, version: u64, metrics: &Metrics) -> Self {
        let counters = metrics.loaded(version);
        Self { classifier, version, version_text: version.to_string(), counters }
    }
}

fn stamp(path: &std::path::Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    let (modified, length) = (metadata.modified().ok(), metadata.len());
    Some(Stamp { modified, length, inode: inode(&metadata) })
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
