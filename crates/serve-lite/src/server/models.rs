//! The model that is served, and its replacement while requests continue.

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
    /// The number of the version, from 1.
    pub(crate) version: u64,
    /// `version` as the protocol writes it.
    pub(crate) version_text: String,
    pub(crate) counters: Arc<ModelCounters>,
}

/// The model file, and the model that was loaded from it last.
///
/// A new model is loaded and run completely before it replaces the old one, in one step: requests that arrived before
/// are computed by the old model, later ones by the new one.
pub(crate) struct Models {
    pub(crate) path: PathBuf,
    current: RwLock<Arc<Model>>,
    /// The stamp of the file when it was last read; locked during a reload, so that two reloads do not race.
    seen: Mutex<Option<FileStamp>>,
    /// One thread, so that loading a model does not take all cores from requests.
    loader: ThreadPool,
}

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
        let loader = ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "loader".into());
        let loader =
            loader.build().map_err(|error| Error::Threads { reason: error.to_string() })?;
        let seen = stamp(&path);
        let classifier = loader.install(|| Classifier::load(&path))?;
        let model = Model::new(classifier, 1, metrics);
        Ok(Self { path, current: RwLock::new(Arc::new(model)), seen: Mutex::new(seen), loader })
    }

    /// The model for requests that arrive now.
    pub(crate) fn current(&self) -> Arc<Model> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again and serves its model if it is valid. Blocks until then; the outcome is logged and counted.
    pub(crate) fn reload(&self, metrics: &Metrics) -> Result<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = stamp(&self.path);
        let load = || {
            // Not for the first model, which all requests wait for.
            priority::set_idle_policy();
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
                let reason = crate::text::error_chain(&error);
                tracing::error!(serving = version, reason, "the model was not reloaded");
                Err(error)
            }
        }
    }

    /// [`reload`](Self::reload) if the file has changed since it was last read.
    ///
    /// A missing file is not an error: it is about to be replaced.
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

fn stamp(path: &std::path::Path) -> Option<FileStamp> {
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
