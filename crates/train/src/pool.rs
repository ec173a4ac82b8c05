//! Work on the threads that the kernels use.

/// Runs `work` on a thread of rayon's pool.
///
/// From outside, every kernel would wake the pool's threads and wait for them, some hundred times a step; from inside it
/// hands them work while they are awake.
pub(crate) fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::join(work, || ()).0
}
