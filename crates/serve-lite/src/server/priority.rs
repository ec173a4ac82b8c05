//! Who goes first where threads want the same core: HTTP, then computation, then loading.
//!
//! The numbers are added to a thread's "niceness" (sched(7)). Linux gives every thread one of its own;
//! elsewhere a process has one for all, and nothing is changed.

/// Two thirds of the default's share: a request takes microseconds, also to refuse, and a batch
/// milliseconds. At 0 batches are smaller and fewer requests are answered; at 5 the tails at 0.8 of
/// capacity double.
pub(crate) const WORKER: i32 = 2;
/// The least there is: whoever waits for an answer waits for no reload.
pub(crate) const LOADER: i32 = 19;

/// Lowers the priority of the calling thread.
pub(crate) fn lower(niceness: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), niceness);
    #[cfg(not(target_os = "linux"))]
    let _ = niceness;
}
